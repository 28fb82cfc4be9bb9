<?php
/**
 * Who brought the buyer.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Reference;

defined( 'ABSPATH' ) || exit;

/**
 * Keeps by whose link a visitor came, with his consent, and writes it into his order. Which of several counts is
 * decided at Upline.
 */
final class Attribution {

	const COOKIE       = 'upline_ref';
	const META_TOUCHES = '_upline_touches';
	const META_FIELD   = '_upline_field';
	const META_MANUAL  = '_upline_manual';
	const BLOCK_FIELD  = 'upline/referrer';
	const META_BLOCK   = '_wc_other/upline/referrer';

	/**
	 * Registers the hooks of both checkouts.
	 */
	public static function register(): void {
		if ( ! Connection::is_connected() ) {
			return;
		}
		add_filter( 'wp_consent_api_registered_' . plugin_basename( FILE ), '__return_true' );
		add_action( 'template_redirect', Plugin::guard( array( self::class, 'visit' ) ), 1 );
		add_action( 'wp_enqueue_scripts', Plugin::guard( array( self::class, 'script' ) ) );
		add_action( 'woocommerce_checkout_create_order', Plugin::guard( array( self::class, 'classic' ) ), 20, 2 );
		add_action( 'woocommerce_store_api_checkout_update_order_meta', Plugin::guard( array( self::class, 'block' ) ), 20 );
		if ( 'yes' === get_option( 'upline_field', 'no' ) ) {
			add_filter( 'woocommerce_checkout_fields', Plugin::guard( array( self::class, 'classic_field' ) ) );
			add_action( 'woocommerce_init', Plugin::guard( array( self::class, 'block_field' ) ) );
		}
	}

	/**
	 * The query parameter of share links.
	 */
	public static function parameter(): string {
		return (string) get_option( Connection::WORD, 'ref' );
	}

	/**
	 * How long a visit counts, in seconds.
	 */
	private static function window(): int {
		return max( 1, min( 365, (int) get_option( 'upline_window_days', 30 ) ) ) * DAY_IN_SECONDS;
	}

	/**
	 * Whether the visitor allows the cookie. A consent plugin decides; without one the shop's setting does.
	 */
	public static function has_consent(): bool {
		if ( function_exists( 'wp_has_consent' ) ) {
			return (bool) wp_has_consent( 'marketing' );
		}
		return 'implied' === get_option( 'upline_consent', 'needed' );
	}

	/**
	 * A page was asked for, perhaps by a share link. Pages that come from a cache are for the script.
	 */
	public static function visit(): void {
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- Reference::in_url() lets only the shape of a code through.
		$asked = isset( $_SERVER['REQUEST_URI'] ) ? wp_unslash( $_SERVER['REQUEST_URI'] ) : '';
		if ( isset( $_COOKIE[ self::COOKIE ] ) && ! self::has_consent() ) {
			self::forget();
		}
		$ref = Reference::in_url( $asked, self::parameter() );
		if ( '' === $ref ) {
			return;
		}
		if ( self::has_consent() ) {
			self::keep( $ref, $asked );
		}
		// A share link of the form /r/CODE is no page of the shop: it leads to the first one, and keeps its code for the
		// script, should consent come later.
		if ( is_404() && 1 === preg_match( '#/r/[^/?]+/?(\?|$)#', $asked ) ) {
			nocache_headers();
			wp_safe_redirect( add_query_arg( self::parameter(), rawurlencode( $ref ), home_url( '/' ) ) );
			exit;
		}
	}

	/**
	 * The script of cached pages: what it finds in the address it posts to the touch route.
	 */
	public static function script(): void {
		wp_enqueue_script( 'upline-touch', plugins_url( 'assets/touch.js', FILE ), array(), VERSION, array( 'strategy' => 'defer' ) );
		$settings = array(
			'url'     => rest_url( Rest::SPACE . '/touch' ),
			'word'    => self::parameter(),
			'implied' => ! function_exists( 'wp_has_consent' ) && self::has_consent(),
		);
		wp_add_inline_script( 'upline-touch', 'window.uplineTouch=' . wp_json_encode( $settings, JSON_HEX_TAG | JSON_HEX_AMP ) . ';', 'before' );
	}

	/**
	 * The route of the script.
	 *
	 * @param \WP_REST_Request $request Request.
	 * @return \WP_REST_Response
	 */
	public static function touch( \WP_REST_Request $request ) {
		$ref = Reference::clean( $request['ref'] );
		if ( '' === $ref ) {
			return new \WP_REST_Response( null, 400 );
		}
		if ( ! Connection::is_connected() || ! self::has_consent() ) {
			return new \WP_REST_Response( null, 204 );
		}
		if ( ! self::allowed() ) {
			$response = new \WP_REST_Response( null, 429 );
			$response->header( 'Retry-After', '2' );
			return $response;
		}
		self::keep( $ref, (string) $request['url'] );
		$response = new \WP_REST_Response( null, 204 );
		$response->header( 'Cache-Control', 'no-store' );
		return $response;
	}

	/**
	 * One touch a second and address, as the route is open to everybody. The address is kept as a keyed hash for that
	 * second only.
	 */
	private static function allowed(): bool {
		$address = isset( $_SERVER['REMOTE_ADDR'] ) ? sanitize_text_field( wp_unslash( $_SERVER['REMOTE_ADDR'] ) ) : '';
		$id      = 'upline_touch_' . substr( wp_hash( $address ), 0, 16 );
		try {
			if ( \WC_Rate_Limiter::retried_too_soon( $id ) ) {
				return false;
			}
			\WC_Rate_Limiter::set_rate_limit( $id, 1 );
		} catch ( \Throwable $fault ) {
			Plugin::$faults[] = $fault->getMessage();
		}
		return true;
	}

	/**
	 * Writes the cookie.
	 *
	 * @param string $ref Code.
	 * @param string $url Where the visit began.
	 */
	private static function keep( string $ref, string $url ): void {
		if ( headers_sent() ) {
			return;
		}
		$sealed = Reference::seal( Reference::touch( self::touches(), $ref, $url, time(), self::window() ), wp_salt( 'nonce' ) );
		self::set_cookie( $sealed, time() + self::window() );
		$_COOKIE[ self::COOKIE ] = $sealed;
	}

	/**
	 * Takes the cookie away from a visitor who allows it no more.
	 */
	private static function forget(): void {
		if ( ! headers_sent() ) {
			self::set_cookie( '', 1 );
		}
		unset( $_COOKIE[ self::COOKIE ] );
	}

	/**
	 * Sends the cookie.
	 *
	 * @param string $value   Value.
	 * @param int    $expires When it ends, in seconds since 1970.
	 */
	private static function set_cookie( string $value, int $expires ): void {
		setcookie(
			self::COOKIE,
			$value,
			array(
				'expires'  => $expires,
				'path'     => COOKIEPATH ? COOKIEPATH : '/',
				'domain'   => COOKIE_DOMAIN ? COOKIE_DOMAIN : '',
				'secure'   => is_ssl(),
				'httponly' => true,
				'samesite' => 'Lax',
			)
		);
	}

	/**
	 * The visitor's touches that count still; none where he has taken his consent back.
	 *
	 * @return array
	 */
	private static function touches(): array {
		if ( ! self::has_consent() ) {
			return array();
		}
		// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- the signature is checked, and every member after it.
		$cookie = isset( $_COOKIE[ self::COOKIE ] ) ? wp_unslash( $_COOKIE[ self::COOKIE ] ) : '';
		return Reference::fresh( Reference::open( $cookie, wp_salt( 'nonce' ) ), time(), self::window() );
	}

	/**
	 * Classic checkout: the order is about to be saved.
	 *
	 * @param \WC_Order $order Order.
	 * @param array     $data  What was posted, checked by WooCommerce.
	 */
	public static function classic( $order, $data = array() ): void {
		self::write( $order, (string) ( $data['upline_referrer'] ?? '' ) );
	}

	/**
	 * Block checkout: WooCommerce has saved the order already, so what is written is saved here.
	 *
	 * @param \WC_Order $order Order.
	 */
	public static function block( $order ): void {
		self::write( $order, (string) $order->get_meta( self::META_BLOCK ) );
		$order->save_meta_data();
	}

	/**
	 * Writes the evidence into an order.
	 *
	 * @param \WC_Order $order Order.
	 * @param string    $typed What the buyer typed.
	 */
	private static function write( $order, string $typed ): void {
		$touches = self::touches();
		if ( $touches ) {
			$order->update_meta_data( self::META_TOUCHES, (string) wp_json_encode( $touches ) );
		}
		$typed = Reference::clean( $typed );
		if ( '' !== $typed ) {
			$order->update_meta_data( self::META_FIELD, $typed );
		}
	}

	/**
	 * The optional field of the classic checkout.
	 *
	 * @param array $fields Fields.
	 * @return array
	 */
	public static function classic_field( $fields ) {
		$fields['order']['upline_referrer'] = array(
			'type'      => 'text',
			'label'     => __( 'Who referred you? (code)', 'upline-for-woocommerce' ),
			'required'  => false,
			'maxlength' => Reference::LENGTH,
			'priority'  => 5,
		);
		return $fields;
	}

	/**
	 * The optional field of the block checkout.
	 */
	public static function block_field(): void {
		if ( function_exists( 'woocommerce_register_additional_checkout_field' ) ) {
			woocommerce_register_additional_checkout_field(
				array(
					'id'       => self::BLOCK_FIELD,
					'label'    => __( 'Who referred you? (code)', 'upline-for-woocommerce' ),
					'location' => 'order',
					'type'     => 'text',
					'required' => false,
				)
			);
		}
	}
}
