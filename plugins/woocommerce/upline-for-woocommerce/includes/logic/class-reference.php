<?php
/**
 * References: which distributor sent a visitor.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce\Logic;

defined( 'ABSPATH' ) || exit;

/**
 * The shape of a reference, and the signed cookie that carries the first and the last one of a visitor.
 */
final class Reference {

	/**
	 * A longer code is nobody's: it is not stored.
	 */
	const LENGTH = 64;

	/**
	 * The code as it may be stored, or '' when it has not the shape of one. Codes are compared without regard to case
	 * by the server, so case is kept here.
	 *
	 * @param mixed $code What came in a query, a form or a cookie.
	 * @return string
	 */
	public static function clean( $code ): string {
		if ( ! is_string( $code ) ) {
			return '';
		}
		$code = trim( $code );
		return 1 === preg_match( '/^[\p{L}\p{N}][\p{L}\p{N}._~+\-]{0,63}$/uD', $code ) && strlen( $code ) <= 4 * self::LENGTH ? $code : '';
	}

	/**
	 * The code in an address: the query parameter, else what follows /r/ as in the share links of Upline.
	 *
	 * @param string $url       Absolute or relative address.
	 * @param string $parameter Name of the query parameter, for example "ref".
	 * @return string '' when there is none.
	 */
	public static function in_url( string $url, string $parameter ): string {
		$query = array();
		parse_str( (string) parse_url( $url, PHP_URL_QUERY ), $query ); // phpcs:ignore WordPress.WP.AlternativeFunctions.parse_url_parse_url -- free of WordPress, and since PHP 7.4 the same.
		$code = self::clean( $query[ $parameter ] ?? '' );
		if ( '' !== $code ) {
			return $code;
		}
		$path = (string) parse_url( $url, PHP_URL_PATH ); // phpcs:ignore WordPress.WP.AlternativeFunctions.parse_url_parse_url
		return 1 === preg_match( '#/r/([^/]+)/?$#', $path, $part ) ? self::clean( rawurldecode( $part[1] ) ) : '';
	}

	/**
	 * The touches after one more visit: the first stays until it is too old, the last is replaced.
	 *
	 * @param array  $touches {first?: touch, last?: touch} where a touch is {ref, at, url}.
	 * @param string $ref     A clean code.
	 * @param string $url     Where the visit began; only the path is kept, as a query may hold anything.
	 * @param int    $now     Seconds since 1970.
	 * @param int    $window  How long a touch counts, in seconds.
	 * @return array
	 */
	public static function touch( array $touches, string $ref, string $url, int $now, int $window ): array {
		$touches = self::fresh( $touches, $now, $window );
		$touch   = array(
			'ref' => $ref,
			'at'  => $now,
			'url' => self::landing( $url ),
		);
		if ( ! isset( $touches['first'] ) ) {
			$touches['first'] = $touch;
		}
		$touches['last'] = $touch;
		return $touches;
	}

	/**
	 * The touches that still count.
	 *
	 * @param array $touches As in touch().
	 * @param int   $now     Seconds since 1970.
	 * @param int   $window  Seconds.
	 * @return array
	 */
	public static function fresh( array $touches, int $now, int $window ): array {
		$kept = array();
		foreach ( array( 'first', 'last' ) as $name ) {
			$touch = $touches[ $name ] ?? null;
			if ( ! is_array( $touch ) || ! isset( $touch['ref'], $touch['at'] ) || ! is_int( $touch['at'] ) ) {
				continue;
			}
			if ( '' === self::clean( $touch['ref'] ) || $touch['at'] > $now + 300 || $touch['at'] + $window < $now ) {
				continue;
			}
			$kept[ $name ] = array(
				'ref' => $touch['ref'],
				'at'  => $touch['at'],
				'url' => is_string( $touch['url'] ?? null ) ? self::landing( $touch['url'] ) : '',
			);
		}
		if ( isset( $kept['last'] ) && ! isset( $kept['first'] ) ) {
			$kept['first'] = $kept['last'];
		}
		return $kept;
	}

	/**
	 * The touches without when and where they were: by whose link, and no more.
	 *
	 * @param array $touches As in touch().
	 * @param int   $at      The time they get, seconds since 1970.
	 * @return array
	 */
	public static function anonymous( array $touches, int $at ): array {
		$kept = array();
		foreach ( array( 'first', 'last' ) as $name ) {
			if ( isset( $touches[ $name ]['ref'] ) ) {
				$kept[ $name ] = array(
					'ref' => $touches[ $name ]['ref'],
					'at'  => $at,
					'url' => '/',
				);
			}
		}
		return $kept;
	}

	/**
	 * The cookie for some touches.
	 *
	 * @param array  $touches As in touch().
	 * @param string $key     The site's own key.
	 * @return string
	 */
	public static function seal( array $touches, string $key ): string {
		$text = rtrim( strtr( base64_encode( (string) json_encode( $touches ) ), '+/', '-_' ), '=' ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_encode, WordPress.WP.AlternativeFunctions.json_encode_json_encode
		return $text . '.' . hash_hmac( 'sha256', 'upline_ref|' . $text, $key );
	}

	/**
	 * The touches in a cookie; none when somebody else wrote it.
	 *
	 * @param mixed  $cookie The cookie as received.
	 * @param string $key    The site's own key.
	 * @return array
	 */
	public static function open( $cookie, string $key ): array {
		if ( ! is_string( $cookie ) || strlen( $cookie ) > 4096 || 1 !== preg_match( '/^([A-Za-z0-9_-]+)\.([0-9a-f]{64})$/D', $cookie, $part ) ) {
			return array();
		}
		if ( ! hash_equals( hash_hmac( 'sha256', 'upline_ref|' . $part[1], $key ), $part[2] ) ) {
			return array();
		}
		$touches = json_decode( (string) base64_decode( strtr( $part[1], '-_', '+/' ), true ), true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_decode
		return is_array( $touches ) ? $touches : array();
	}

	/**
	 * A touch as the server is told it: the path, and of its query the reference alone.
	 *
	 * @param array  $touch     {ref, at, url}.
	 * @param string $parameter Name of the query parameter.
	 * @return array {ref, at, path}.
	 */
	public static function told( array $touch, string $parameter ): array {
		$path = $touch['url'];
		if ( 1 !== preg_match( '#/r/[^/]+/?$#', $path ) ) {
			$path .= '?' . rawurlencode( $parameter ) . '=' . rawurlencode( $touch['ref'] );
		}
		return array(
			'ref'  => $touch['ref'],
			'at'   => gmdate( 'Y-m-d\TH:i:s\Z', $touch['at'] ),
			'path' => $path,
		);
	}

	/**
	 * The path of an address, shortened: what is worth keeping of a landing page.
	 *
	 * @param string $url Absolute or relative.
	 * @return string
	 */
	private static function landing( string $url ): string {
		$path = (string) parse_url( $url, PHP_URL_PATH ); // phpcs:ignore WordPress.WP.AlternativeFunctions.parse_url_parse_url
		return substr( (string) preg_replace( '/[^\x21-\x7e]/', '', $path ), 0, 200 );
	}
}
