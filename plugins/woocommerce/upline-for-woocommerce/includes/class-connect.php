<?php
/**
 * Connecting and parting.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Site;

defined( 'ABSPATH' ) || exit;

/**
 * The flow of docs/plugin-protocol.md, section 4. The verifier binds the code that comes back to the person and the
 * browser that pressed the button.
 */
final class Connect {

	const CAPABILITY = 'manage_woocommerce';

	/**
	 * How WooCommerce names the keys that it grants an app of our name.
	 */
	const KEYS = 'Upline - API (';

	/**
	 * How long a started connection may take.
	 */
	const MINUTES = 15;

	/**
	 * Registers the return of the browser.
	 */
	public static function register(): void {
		add_action( 'admin_init', array( self::class, 'come_back' ) );
	}

	/**
	 * The address a merchant typed, as the plugin keeps it, or '' when it is none. http is for servers on the same
	 * machine or in the own network only.
	 *
	 * @param string $typed What was typed.
	 * @return string
	 */
	public static function server( string $typed ): string {
		$typed = trim( $typed );
		if ( '' !== $typed && false === strpos( $typed, '://' ) ) {
			$typed = 'https://' . $typed;
		}
		$part = wp_parse_url( $typed );
		if ( ! is_array( $part ) || empty( $part['host'] ) || isset( $part['user'] ) || isset( $part['query'] ) || isset( $part['fragment'] ) || ! in_array( $part['scheme'] ?? '', array( 'https', 'http' ), true ) ) {
			return '';
		}
		if ( 'http' === $part['scheme'] && ! self::is_private( $part['host'] ) ) {
			return '';
		}
		return esc_url_raw( untrailingslashit( $typed ), array( 'https', 'http' ) );
	}

	/**
	 * Sends the browser to the server.
	 *
	 * @param string $server Address of the server.
	 */
	public static function begin( string $server ): void {
		$verifier = self::base64url( random_bytes( 32 ) );
		$nonce    = bin2hex( random_bytes( 16 ) );
		// Not a transient: an object cache that drops what it holds would end the connection half-way.
		update_option(
			self::key(),
			array(
				'server'   => $server,
				'verifier' => $verifier,
				'nonce'    => $nonce,
				'until'    => time() + self::MINUTES * MINUTE_IN_SECONDS,
			),
			false
		);
		$query = array(
			'site'      => Connection::here(),
			'return'    => Settings::url(),
			'challenge' => self::base64url( hash( 'sha256', $verifier, true ) ),
			'nonce'     => $nonce,
			'currency'  => get_woocommerce_currency(),
			// WordPress keeps the name with its & and quotes as entities.
			'name'      => wp_specialchars_decode( get_bloginfo( 'name' ), ENT_QUOTES ),
		);
		nocache_headers();
		wp_redirect( $server . '/connect/woocommerce?' . http_build_query( $query, '', '&', PHP_QUERY_RFC3986 ) ); // phpcs:ignore WordPress.Security.SafeRedirect.wp_redirect_wp_redirect -- another host is the point.
		exit;
	}

	/**
	 * The browser comes back with a code.
	 */
	public static function come_back(): void {
		// The nonce is our own one, of the started connection: WordPress's does not survive the way over another host.
		// phpcs:disable WordPress.Security.NonceVerification.Recommended
		if ( ! isset( $_GET['page'], $_GET['tab'], $_GET['nonce'] ) || 'wc-settings' !== $_GET['page'] || 'upline' !== $_GET['tab'] ) {
			return;
		}
		$nonce = sanitize_text_field( wp_unslash( $_GET['nonce'] ) );
		$code  = isset( $_GET['upline_code'] ) ? sanitize_text_field( wp_unslash( $_GET['upline_code'] ) ) : '';
		$error = isset( $_GET['upline_error'] ) ? sanitize_key( wp_unslash( $_GET['upline_error'] ) ) : '';
		// phpcs:enable
		if ( ! current_user_can( self::CAPABILITY ) ) {
			return;
		}
		$started = get_option( self::key() );
		delete_option( self::key() );
		if ( ! is_array( $started ) || $started['until'] < time() || ! hash_equals( $started['nonce'], $nonce ) ) {
			$said = __( 'This connection was not started in this browser, or too long ago. Press Connect again.', 'upline-for-woocommerce' );
		} elseif ( '' !== $error || '' === $code ) {
			$said = 'denied' === $error ? __( 'The connection was refused at Upline.', 'upline-for-woocommerce' ) : __( 'Upline did not make the connection. Press Connect again.', 'upline-for-woocommerce' );
		} else {
			$said = self::claim( $started['server'], $code, $started['verifier'] );
		}
		Settings::say( '' === $said ? __( 'Connected. From now on Upline is told of every order.', 'upline-for-woocommerce' ) : $said, '' === $said );
		wp_safe_redirect( Settings::url() );
		exit;
	}

	/**
	 * Turns a code into a connection.
	 *
	 * @param string $server   Address of the server.
	 * @param string $code     Code.
	 * @param string $verifier Verifier; '' for a code from the command line.
	 * @return string '' or what went wrong.
	 */
	public static function claim( string $server, string $code, string $verifier = '' ): string {
		$answer = Client::claim(
			$server,
			array(
				'type'     => 'claim',
				'version'  => 1,
				'site'     => Connection::here(),
				'code'     => trim( $code ),
				'verifier' => $verifier,
				'currency' => get_woocommerce_currency(),
				'versions' => Order_Reader::versions(),
			)
		);
		if ( 200 !== $answer['status'] ) {
			return self::reason( $answer );
		}
		$connection = self::read( $server, $answer['data'] );
		if ( ! $connection ) {
			return __( 'The server gave an answer that is not one of Upline. Check the address.', 'upline-for-woocommerce' );
		}
		Connection::open( $connection );
		delete_transient( 'upline_ensured' );
		Sweep::ensure();
		// The server hears at once how things stand here, and not only within five minutes.
		Sweep::heartbeat();
		return '';
	}

	/**
	 * Parts: tells the server, then forgets. It is forgotten here even where the server cannot be reached.
	 *
	 * @param bool $tell Whether the server is told; a copy of a site must not end the connection of the original.
	 */
	public static function part( bool $tell = true ): void {
		if ( $tell && ! Connection::is_elsewhere() ) {
			Client::call( 'disconnect', array( 'reason' => 'admin' ), 10.0 );
		}
		Connection::close();
		self::revoke_keys();
		Backfill::stop();
		Sweep::ensure();
	}

	/**
	 * Takes back the keys for reading that WooCommerce granted Upline on the way: the server forgets them when we part, and a
	 * key of which nobody knows any more what it is for should not stay in force.
	 */
	public static function revoke_keys(): void {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery -- WooCommerce has no function for it.
		$wpdb->query( $wpdb->prepare( 'DELETE FROM %i WHERE description LIKE %s', $wpdb->prefix . 'woocommerce_api_keys', $wpdb->esc_like( self::KEYS ) . '%' ) );
	}

	/**
	 * Takes a new secret.
	 *
	 * @return string '' or what went wrong.
	 */
	public static function rotate(): string {
		$answer = Client::call( 'rotate', array(), 10.0 );
		$secret = $answer['data']['secret'] ?? '';
		if ( 200 !== $answer['status'] || ! self::is_secret( $secret ) ) {
			return self::reason( $answer );
		}
		Connection::change(
			array(
				'old_secret' => Connection::get( 'secret' ),
				'secret'     => $secret,
			)
		);
		return '';
	}

	/**
	 * A sentence about a failed call.
	 *
	 * @param array $answer As from Client.
	 * @return string
	 */
	public static function reason( array $answer ): string {
		if ( 0 === $answer['status'] ) {
			/* translators: %s: what went wrong */
			return sprintf( __( 'Upline cannot be reached: %s', 'upline-for-woocommerce' ), $answer['detail'] );
		}
		/* translators: 1: HTTP status, 2: what the server said */
		return sprintf( __( 'Upline answered %1$d: %2$s', 'upline-for-woocommerce' ), $answer['status'], $answer['detail'] );
	}

	/**
	 * The connection in an answer; what is signed later goes to the server that was asked, and nowhere else.
	 *
	 * @param string $server Address of the server.
	 * @param array  $data   Answer.
	 * @return array Empty when it is not one.
	 */
	private static function read( string $server, array $data ): array {
		$urls = array( $data['webhook_url'] ?? '', $data['api_url'] ?? '' );
		foreach ( $urls as $url ) {
			if ( ! is_string( $url ) || 0 !== strpos( $url, 'http' ) || ! Site::same( self::origin( $server ), self::origin( $url ) ) || wp_parse_url( $url, PHP_URL_SCHEME ) !== wp_parse_url( $server, PHP_URL_SCHEME ) ) {
				return array();
			}
		}
		if ( ! self::is_secret( $data['secret'] ?? '' ) || ! is_string( $data['identity_key'] ?? null ) || ! is_string( $data['store_id'] ?? null ) ) {
			return array();
		}
		$parameter = (string) ( $data['reference_parameter'] ?? 'ref' );
		return array(
			'server'              => $server,
			'store_id'            => $data['store_id'],
			'secret'              => $data['secret'],
			'old_secret'          => '',
			'identity_key'        => $data['identity_key'],
			'webhook_url'         => $urls[0],
			'api_url'             => untrailingslashit( $urls[1] ),
			'reference_parameter' => 1 === preg_match( '/^[a-z][a-z0-9_-]{0,30}$/D', $parameter ) ? $parameter : 'ref',
			'connected_at'        => gmdate( 'Y-m-d\TH:i:s\Z' ),
		);
	}

	/**
	 * Whether a text can be a secret.
	 *
	 * @param mixed $secret Secret.
	 * @return bool
	 */
	private static function is_secret( $secret ): bool {
		return is_string( $secret ) && 1 === preg_match( '/^[\x21-\x7e]{16,200}$/D', $secret );
	}

	/**
	 * Scheme, host and port of an address.
	 *
	 * @param string $url Address.
	 * @return string
	 */
	private static function origin( string $url ): string {
		$part = wp_parse_url( $url );
		return is_array( $part ) ? ( $part['scheme'] ?? '' ) . '://' . ( $part['host'] ?? '' ) . ( isset( $part['port'] ) ? ':' . $part['port'] : '' ) : '';
	}

	/**
	 * Whether a host is this machine or in the own network.
	 *
	 * @param string $host Host.
	 * @return bool
	 */
	private static function is_private( string $host ): bool {
		if ( 'localhost' === $host || '.localhost' === substr( $host, -10 ) ) {
			return true;
		}
		$ip = trim( $host, '[]' );
		return false !== filter_var( $ip, FILTER_VALIDATE_IP ) && false === filter_var( $ip, FILTER_VALIDATE_IP, FILTER_FLAG_NO_PRIV_RANGE | FILTER_FLAG_NO_RES_RANGE );
	}

	/**
	 * Where a started connection of this user is kept.
	 */
	private static function key(): string {
		return 'upline_connect_' . get_current_user_id();
	}

	/**
	 * Base64 for addresses, without padding.
	 *
	 * @param string $bytes Bytes.
	 * @return string
	 */
	private static function base64url( string $bytes ): string {
		return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_encode
	}
}
