<?php
/**
 * The distributor's tab in My account.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Shows distributors their earnings and their link, drawn by the shop from Upline's figures. Nothing is counted here.
 */
final class Account {

	const ENDPOINT = 'upline';

	/**
	 * User meta: the distributor a user is, where an admin has set it.
	 */
	const META = 'upline_distributor_id';

	/**
	 * The distributor an admin of this shop has set for a user, or ''. The users of a network are those of all its sites, and
	 * each site may be another company: every site has its own word on who somebody is.
	 *
	 * @param int $user User.
	 * @return string
	 */
	public static function distributor_of( int $user ): string {
		return (string) get_user_meta( $user, self::meta(), true );
	}

	/**
	 * Its key on this site.
	 */
	public static function meta(): string {
		global $wpdb;
		return ( is_multisite() ? $wpdb->get_blog_prefix() : '' ) . self::META;
	}

	/**
	 * Registers the tab.
	 */
	public static function register(): void {
		// The tab's address is known while the shop is connected and the tab wanted: WooCommerce learns it anew at the next page.
		foreach ( array( Connection::FLAG, 'upline_account_tab' ) as $option ) {
			add_action( 'update_option_' . $option, Plugin::guard( array( self::class, 'queue_address' ) ) );
		}
		if ( ! Connection::is_connected() || 'yes' !== get_option( 'upline_account_tab', 'yes' ) ) {
			return;
		}
		add_action( 'init', array( self::class, 'add_endpoint' ) );
		add_filter( 'woocommerce_get_query_vars', array( self::class, 'query_vars' ) );
		add_filter( 'woocommerce_account_menu_items', Plugin::guard( array( self::class, 'menu' ) ) );
		add_filter( 'woocommerce_endpoint_' . self::ENDPOINT . '_title', array( self::class, 'title' ) );
		add_action( 'woocommerce_account_' . self::ENDPOINT . '_endpoint', Plugin::guard( array( self::class, 'show' ) ) );
		add_action( 'template_redirect', array( self::class, 'open' ) );
	}

	/**
	 * Asks WooCommerce to make the addresses of the account known at the next page.
	 */
	public static function queue_address(): void {
		update_option( 'woocommerce_queue_flush_rewrite_rules', 'yes' );
	}

	/**
	 * The address /my-account/upline/.
	 */
	public static function add_endpoint(): void {
		add_rewrite_endpoint( self::ENDPOINT, EP_ROOT | EP_PAGES );
	}

	/**
	 * Lets WooCommerce know the address.
	 *
	 * @param array $vars Query vars.
	 * @return array
	 */
	public static function query_vars( $vars ) {
		$vars[ self::ENDPOINT ] = self::ENDPOINT;
		return $vars;
	}

	/**
	 * The title.
	 */
	public static function title(): string {
		return __( 'My earnings', 'upline-for-woocommerce' );
	}

	/**
	 * The menu, for distributors only. Whether somebody is one is remembered for a quarter of an hour, and a server that
	 * is away is asked once a minute at most.
	 *
	 * @param array $items Menu.
	 * @return array
	 */
	public static function menu( $items ) {
		$user  = get_current_user_id();
		$known = $user ? get_transient( 'upline_is_distributor_' . $user ) : 'no';
		if ( false === $known ) {
			$answer = self::ask( 1 );
			$known  = null !== ( $answer['data']['distributor'] ?? null ) ? 'yes' : 'no';
			set_transient( 'upline_is_distributor_' . $user, $known, ( 200 === $answer['status'] ? 15 : 1 ) * MINUTE_IN_SECONDS );
		}
		if ( 'yes' !== $known ) {
			return $items;
		}
		$out = array( 'customer-logout' => $items['customer-logout'] ?? null );
		unset( $items['customer-logout'] );
		$items[ self::ENDPOINT ] = self::title();
		return array_filter( array_merge( $items, $out ) );
	}

	/**
	 * The page.
	 */
	public static function show(): void {
		$answer = self::ask( 25 );
		wc_get_template(
			'my-account-earnings.php',
			array(
				'earnings' => 200 === $answer['status'] ? $answer['data'] : null,
				'open_url' => wp_nonce_url( add_query_arg( 'upline_open', '1', wc_get_account_endpoint_url( self::ENDPOINT ) ), 'upline_open' ),
			),
			'upline/',
			plugin_dir_path( FILE ) . 'templates/'
		);
	}

	/**
	 * Opens the back office, as the customer who is signed in.
	 */
	public static function open(): void {
		if ( ! isset( $_GET['upline_open'] ) || ! is_user_logged_in() ) {
			return;
		}
		$nonce = isset( $_GET['_wpnonce'] ) ? sanitize_text_field( wp_unslash( $_GET['_wpnonce'] ) ) : '';
		if ( ! wp_verify_nonce( $nonce, 'upline_open' ) ) {
			wp_die( esc_html__( 'This link is too old. Go back and try again.', 'upline-for-woocommerce' ), '', array( 'response' => 403 ) );
		}
		Settings::jump( 'distributor', array() );
	}

	/**
	 * An amount as the shop writes amounts, of text that the server has rounded already.
	 *
	 * @param mixed  $amount   Decimal text.
	 * @param string $currency Currency.
	 * @return string HTML.
	 */
	public static function amount( $amount, string $currency ): string {
		$amount = is_string( $amount ) ? $amount : '';
		if ( 1 !== preg_match( '/^(-?)(\d+)(?:\.(\d+))?$/D', $amount, $part ) ) {
			return esc_html__( 'unknown', 'upline-for-woocommerce' );
		}
		// Not number_format(): it takes floats.
		$whole  = strrev( implode( strrev( wc_get_price_thousand_separator() ), str_split( strrev( $part[2] ), 3 ) ) );
		$digits = $whole . ( isset( $part[3] ) ? wc_get_price_decimal_separator() . $part[3] : '' );
		return '<bdi>' . esc_html( $part[1] ) . wp_kses_post( sprintf( get_woocommerce_price_format(), get_woocommerce_currency_symbol( $currency ), esc_html( $digits ) ) ) . '</bdi>';
	}

	/**
	 * A status in words.
	 *
	 * @param string $status As the server says it.
	 * @return string
	 */
	public static function status( string $status ): string {
		$words = array(
			'PENDING'   => __( 'Pending', 'upline-for-woocommerce' ),
			'AVAILABLE' => __( 'Available', 'upline-for-woocommerce' ),
			'PAID'      => __( 'Paid', 'upline-for-woocommerce' ),
			'REVERSED'  => __( 'Reversed', 'upline-for-woocommerce' ),
		);
		return $words[ $status ] ?? $status;
	}

	/**
	 * Asks for the earnings of the customer who is signed in.
	 *
	 * @param int $limit Rows.
	 * @return array As from Client.
	 */
	private static function ask( int $limit ): array {
		$user = get_current_user_id();
		return Client::remembered(
			'earnings',
			array(
				'customer_id'    => (string) $user,
				'distributor_id' => self::distributor_of( $user ),
				'limit'          => $limit,
			)
		);
	}
}
