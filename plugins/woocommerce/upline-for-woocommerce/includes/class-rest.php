<?php
/**
 * Routes for the server and for the storefront.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Signature;
use Upline\WooCommerce\Logic\Site;
use Upline\WooCommerce\Logic\Snapshot;

defined( 'ABSPATH' ) || exit;

/**
 * The routes of docs/plugin-protocol.md, section 8: reconciliation compares digests, as WooCommerce leaves an order's
 * date alone when a refund is deleted or an item is saved on its own.
 */
final class Rest {

	const SPACE = 'wc-upline/v1';

	/**
	 * Registers the routes.
	 */
	public static function register(): void {
		add_action( 'rest_api_init', array( self::class, 'routes' ) );
	}

	/**
	 * The routes.
	 */
	public static function routes(): void {
		foreach ( array( 'digest', 'snapshots', 'resend', 'status', 'run' ) as $call ) {
			register_rest_route(
				self::SPACE,
				'/' . $call,
				array(
					'methods'             => 'POST',
					'callback'            => array( self::class, $call ),
					'permission_callback' => static function ( \WP_REST_Request $request ) use ( $call ) {
						return Rest::may( $request, $call );
					},
					'args'                => self::arguments( $call ),
				)
			);
		}
		register_rest_route(
			self::SPACE,
			'/touch',
			array(
				'methods'             => 'POST',
				'callback'            => array( Attribution::class, 'touch' ),
				// Anybody may say who sent him; the cookie is his own. No nonce: cached pages hold stale ones.
				'permission_callback' => '__return_true',
				'args'                => array(
					'ref' => array(
						'type'      => 'string',
						'required'  => true,
						'maxLength' => 256,
					),
					'url' => array(
						'type'      => 'string',
						'default'   => '',
						'maxLength' => 2000,
					),
				),
			)
		);
	}

	/**
	 * What each call takes; the server is told the field and the mend by WordPress itself.
	 *
	 * @param string $call Call.
	 * @return array
	 */
	private static function arguments( string $call ): array {
		$ids  = array(
			'type'     => 'array',
			'required' => true,
			'minItems' => 1,
			'maxItems' => 'resend' === $call ? 500 : 50,
			'items'    => array( 'type' => array( 'string', 'integer' ) ),
		);
		$time = array(
			'type'     => 'string',
			'format'   => 'date-time',
			'required' => true,
		);
		$all  = array(
			'digest'    => array(
				'by'     => array(
					'type'    => 'string',
					'enum'    => array( 'created', 'modified' ),
					'default' => 'modified',
				),
				'from'   => $time,
				'to'     => $time,
				'cursor' => array(
					'type'    => array( 'string', 'integer' ),
					'default' => '',
				),
				'limit'  => array(
					'type'    => 'integer',
					'minimum' => 1,
					'maximum' => 500,
					'default' => 200,
				),
			),
			'snapshots' => array(
				'ids'           => $ids,
				'min_sequences' => array(
					'type'    => array( 'object', 'array' ),
					'default' => array(),
				),
			),
			'resend'    => array( 'ids' => $ids ),
		);
		return $all[ $call ] ?? array();
	}

	/**
	 * Whether the server asks.
	 *
	 * @param \WP_REST_Request $request Request.
	 * @param string           $call    Call.
	 * @return true|\WP_Error
	 */
	public static function may( \WP_REST_Request $request, string $call ) {
		$id    = (string) $request->get_header( 'webhook-id' );
		$body  = (string) $request->get_body();
		$fault = Signature::fault( Connection::secrets(), $id, (string) $request->get_header( 'webhook-timestamp' ), (string) $request->get_header( 'webhook-signature' ), $body, 'run' === $call ? time() : Client::now() );
		if ( '' !== $fault ) {
			return self::refuse( 401, 'clock' === $fault ? 'webhook-timestamp' : 'webhook-signature', __( 'This route is for the connected Upline server.', 'upline-for-woocommerce' ) );
		}
		$said = json_decode( $body, true );
		if ( ( $said['type'] ?? '' ) !== $call ) {
			return self::refuse( 401, 'type', __( 'This body was signed for another call.', 'upline-for-woocommerce' ) );
		}
		if ( 'run' !== $call && ( ! is_string( $said['site'] ?? null ) || ! Site::same( $said['site'], Connection::here() ) ) ) {
			return self::refuse( 403, 'site', __( 'This is another site than the one that was connected.', 'upline-for-woocommerce' ) );
		}
		$seen = 'upline_seen_' . md5( $id );
		if ( get_transient( $seen ) ) {
			return self::refuse( 409, 'webhook-id', __( 'This message was here before.', 'upline-for-woocommerce' ) );
		}
		set_transient( $seen, 1, 10 * MINUTE_IN_SECONDS );
		return true;
	}

	/**
	 * Which orders there are, what they come to, and which are not told as they are now.
	 *
	 * @param \WP_REST_Request $request Request.
	 * @return \WP_REST_Response|\WP_Error
	 */
	public static function digest( \WP_REST_Request $request ) {
		$from = strtotime( (string) $request['from'] );
		$to   = strtotime( (string) $request['to'] );
		if ( ! $from || ! $to || $to <= $from ) {
			return self::refuse( 400, 'to', __( '"to" has to be later than "from".', 'upline-for-woocommerce' ) );
		}
		$limit = (int) $request['limit'];
		$ids   = Order_Finder::between( (string) $request['by'], $from, $to, (int) $request['cursor'], $limit );
		$told  = Told::rows( $ids );
		$data  = array();
		foreach ( $ids as $id ) {
			$order = Order_Reader::find( $id );
			if ( $order ) {
				$data[] = self::digest_of( $order, $told[ $id ] ?? Told::row( $id ) );
			}
		}
		return self::reply(
			array(
				'data'        => $data,
				'next_cursor' => count( $ids ) < $limit ? '' : (string) end( $ids ),
				'deleted'     => Told::gone( $from, $to ),
			)
		);
	}

	/**
	 * One row of the digest.
	 *
	 * @param \WC_Order $order Order.
	 * @param array     $told  What was told.
	 * @return array
	 */
	private static function digest_of( \WC_Order $order, array $told ): array {
		$body     = Order_Reader::read( $order, $told );
		$refunded = 0;
		$ids      = array();
		foreach ( $body['refunds'] as $refund ) {
			if ( ! $refund['deleted'] ) {
				$ids[]     = $refund['id'];
				$refunded += Logic\Decimal::micro( $refund['amount'] );
			}
		}
		return array(
			'id'         => $body['id'],
			'status'     => $body['status'],
			'sequence'   => $told['sequence'],
			'total'      => $body['total'],
			'refunded'   => Logic\Decimal::from_micro( $refunded ),
			'refund_ids' => $ids,
			'dirty'      => Snapshot::digest( $body ) !== $told['digest'],
		);
	}

	/**
	 * Orders as they are now.
	 *
	 * @param \WP_REST_Request $request Request.
	 * @return \WP_REST_Response
	 */
	public static function snapshots( \WP_REST_Request $request ) {
		$above   = (array) $request['min_sequences'];
		$data    = array();
		$missing = array();
		foreach ( (array) $request['ids'] as $id ) {
			$order = Order_Reader::find( (int) $id );
			if ( $order ) {
				$data[] = self::event_of( $order, (int) ( $above[ (string) $id ] ?? 0 ) );
			} else {
				$missing[] = (string) $id;
			}
		}
		return self::reply(
			array(
				'data'    => $data,
				'missing' => $missing,
			)
		);
	}

	/**
	 * The last event of an order, or a new one where the order is not any more what was told.
	 *
	 * @param \WC_Order $order Order.
	 * @param int       $above The sequence has to be above this.
	 * @return array
	 */
	private static function event_of( \WC_Order $order, int $above ): array {
		$told = Told::row( $order->get_id() );
		$body = Order_Reader::read( $order, $told );
		if ( '' !== $told['event_id'] && Snapshot::digest( $body ) === $told['digest'] && $told['sequence'] > $above ) {
			return Snapshot::event( $body, Order_Reader::shop(), $told['event_id'], $told['sequence'], 'resent', $told['told_at'] );
		}
		return Sender::snapshot( $order, 'resent', false, $above );
	}

	/**
	 * Puts orders into the outbox again.
	 *
	 * @param \WP_REST_Request $request Request.
	 * @return \WP_REST_Response
	 */
	public static function resend( \WP_REST_Request $request ) {
		$queued = 0;
		foreach ( (array) $request['ids'] as $id ) {
			if ( Order_Reader::find( (int) $id ) && Outbox::add( (int) $id, 'resent', 0 ) ) {
				++$queued;
			}
		}
		return self::reply( array( 'queued' => $queued ) );
	}

	/**
	 * How things stand.
	 *
	 * @return \WP_REST_Response
	 */
	public static function status() {
		$condition                 = Sweep::condition();
		$condition['connected_at'] = Connection::get( 'connected_at' );
		return self::reply( $condition );
	}

	/**
	 * Sends what is due: asked for by ourselves, where a request cannot be answered before its end.
	 *
	 * @return \WP_REST_Response
	 */
	public static function run() {
		ignore_user_abort( true );
		Sweep::run();
		return self::reply( array( 'done' => true ) );
	}

	/**
	 * An answer nobody keeps.
	 *
	 * @param array $data JSON.
	 * @return \WP_REST_Response
	 */
	public static function reply( array $data ): \WP_REST_Response {
		$response = new \WP_REST_Response( $data );
		$response->header( 'Cache-Control', 'no-store' );
		return $response;
	}

	/**
	 * A refusal.
	 *
	 * @param int    $status HTTP status.
	 * @param string $field  What is wrong.
	 * @param string $detail Sentence.
	 * @return \WP_Error
	 */
	public static function refuse( int $status, string $field, string $detail ): \WP_Error {
		return new \WP_Error(
			'upline_refused',
			$detail,
			array(
				'status'      => $status,
				'field'       => $field,
				'server_time' => Snapshot::time( time() ),
			)
		);
	}
}
