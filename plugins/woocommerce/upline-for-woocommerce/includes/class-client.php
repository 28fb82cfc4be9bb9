<?php
/**
 * Talking to the server.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Answer;
use Upline\WooCommerce\Logic\Signature;

defined( 'ABSPATH' ) || exit;

/**
 * Signed calls to the server of docs/plugin-protocol.md. Redirects are never followed.
 */
final class Client {

	/**
	 * Posts a signed body, and once more at once when our clock is off.
	 *
	 * @param string $url     Where to.
	 * @param string $body    JSON.
	 * @param string $id      Message id; '' for a fresh one on every attempt.
	 * @param float  $timeout Seconds.
	 * @return array {status, field, detail, retry_after, data}.
	 */
	public static function post( string $url, string $body, string $id = '', float $timeout = 3.0 ): array {
		$answer = self::attempt( $url, $body, $id, $timeout );
		if ( Answer::CLOCK === Answer::decide( $answer['status'], $answer['field'] ) && self::take_over_time( $answer ) ) {
			$answer = self::attempt( $url, $body, $id, $timeout );
		}
		return $answer;
	}

	/**
	 * One of the calls of section 3.
	 *
	 * @param string $call    Its name.
	 * @param array  $request Its members.
	 * @param float  $timeout Seconds.
	 * @return array As post().
	 */
	public static function call( string $call, array $request = array(), float $timeout = 3.0 ): array {
		if ( ! Connection::is_connected() ) {
			return self::answer( 0, array( 'detail' => __( 'This shop is not connected to Upline.', 'upline-for-woocommerce' ) ) );
		}
		$body = array_merge(
			array(
				'type'    => $call,
				'version' => 1,
				'site'    => Connection::here(),
			),
			$request
		);
		return self::post( Connection::get( 'api_url' ) . '/' . rawurlencode( $call ), (string) wp_json_encode( $body ), '', $timeout );
	}

	/**
	 * The same, answered from memory for a minute where it went well: pages of a busy shop do not ask for each visitor.
	 *
	 * @param string $call    Its name.
	 * @param array  $request Its members.
	 * @return array As post().
	 */
	public static function remembered( string $call, array $request ): array {
		$key    = 'upline_' . md5( $call . wp_json_encode( $request ) . Connection::get( 'api_url' ) );
		$answer = get_transient( $key );
		if ( is_array( $answer ) ) {
			return $answer;
		}
		$answer = self::call( $call, $request );
		if ( 200 === $answer['status'] ) {
			set_transient( $key, $answer, MINUTE_IN_SECONDS );
		}
		return $answer;
	}

	/**
	 * Claims a connection with a code; not signed, as there is no secret yet.
	 *
	 * @param string $server  The server's address.
	 * @param array  $request Members of the claim.
	 * @return array As post().
	 */
	public static function claim( string $server, array $request ): array {
		return self::request( $server . '/api/plugin/claim', (string) wp_json_encode( $request ), array(), 15.0 );
	}

	/**
	 * Seconds since 1970 by the server's clock, as far as we know it.
	 */
	public static function now(): int {
		return time() + (int) Connection::state( 'clock_offset' );
	}

	/**
	 * A fresh id.
	 *
	 * @param string $kind evt or msg.
	 */
	public static function id( string $kind ): string {
		return $kind . '_' . bin2hex( random_bytes( 16 ) );
	}

	/**
	 * One attempt.
	 *
	 * @param string $url     Where to.
	 * @param string $body    JSON.
	 * @param string $id      Message id or ''.
	 * @param float  $timeout Seconds.
	 * @return array As post().
	 */
	private static function attempt( string $url, string $body, string $id, float $timeout ): array {
		$id  = '' === $id ? self::id( 'msg' ) : $id;
		$now = self::now();
		return self::request(
			$url,
			$body,
			array(
				'webhook-id'        => $id,
				'webhook-timestamp' => (string) $now,
				'webhook-signature' => Signature::sign( Connection::get( 'secret' ), $id, $now, $body ),
			),
			$timeout
		);
	}

	/**
	 * Takes over the server's time.
	 *
	 * @param array $answer What it said.
	 * @return bool Whether it named a time.
	 */
	private static function take_over_time( array $answer ): bool {
		$at = strtotime( (string) ( $answer['data']['server_time'] ?? '' ) );
		if ( ! $at ) {
			return false;
		}
		Connection::remember( array( 'clock_offset' => $at - time() ) );
		return true;
	}

	/**
	 * The request itself.
	 *
	 * @param string $url     Where to.
	 * @param string $body    JSON.
	 * @param array  $headers Headers.
	 * @param float  $timeout Seconds.
	 * @return array As post().
	 */
	private static function request( string $url, string $body, array $headers, float $timeout ): array {
		$response = wp_remote_post(
			$url,
			array(
				'body'                => $body,
				'headers'             => array_merge(
					array(
						'Content-Type' => 'application/json',
						'Accept'       => 'application/json',
						'Expect'       => '',
					),
					$headers
				),
				'timeout'             => $timeout,
				'redirection'         => 0,
				'user-agent'          => 'Upline-for-WooCommerce/' . VERSION,
				'limit_response_size' => MB_IN_BYTES,
			)
		);
		if ( is_wp_error( $response ) ) {
			return self::answer( 0, array( 'detail' => $response->get_error_message() ) );
		}
		$data = json_decode( (string) wp_remote_retrieve_body( $response ), true );
		$data = is_array( $data ) ? $data : array();
		if ( ! isset( $data['detail'] ) ) {
			$data['detail'] = (string) wp_remote_retrieve_response_message( $response );
		}
		return self::answer( (int) wp_remote_retrieve_response_code( $response ), $data, (string) wp_remote_retrieve_header( $response, 'retry-after' ) );
	}

	/**
	 * An answer in one shape.
	 *
	 * @param int    $status      HTTP status; 0 when there was none.
	 * @param array  $data        JSON.
	 * @param string $retry_after Header.
	 * @return array
	 */
	private static function answer( int $status, array $data, string $retry_after = '' ): array {
		return array(
			'status'      => $status,
			'field'       => is_string( $data['field'] ?? null ) ? $data['field'] : '',
			'detail'      => is_string( $data['detail'] ?? null ) ? wp_check_invalid_utf8( wp_strip_all_tags( $data['detail'] ), true ) : '',
			'retry_after' => $retry_after,
			'data'        => $data,
		);
	}
}
