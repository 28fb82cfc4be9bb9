<?php
/**
 * The connection to one store at one Upline server.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Site;

defined( 'ABSPATH' ) || exit;

/**
 * Where the connection is kept. The option with the secrets is not autoloaded and never shown; what every request
 * has to know is in one small autoloaded option.
 */
final class Connection {

	const OPTION = 'upline_connection';
	const FLAG   = 'upline_connected_site';
	const STATE  = 'upline_state';
	const WORD   = 'upline_parameter';

	/**
	 * The site that was connected, or ''.
	 */
	public static function site(): string {
		return (string) get_option( self::FLAG, '' );
	}

	/**
	 * Whether this shop is connected, as itself or as a copy of the connected one.
	 */
	public static function is_connected(): bool {
		return '' !== self::site();
	}

	/**
	 * This site's address as the protocol writes it. The option is read, not home_url(): translation plugins give that
	 * another path for every language.
	 */
	public static function here(): string {
		return untrailingslashit( (string) get_option( 'home' ) );
	}

	/**
	 * Whether this is a copy of the connected site, or it has moved.
	 */
	public static function is_elsewhere(): bool {
		return self::is_connected() && ! Site::same( self::site(), self::here() );
	}

	/**
	 * One member of the connection: server, store_id, secret, old_secret, identity_key, webhook_url, api_url,
	 * reference_parameter, connected_at.
	 *
	 * @param string $name Its name.
	 * @return string
	 */
	public static function get( string $name ): string {
		$all = get_option( self::OPTION, array() );
		return is_array( $all ) && isset( $all[ $name ] ) ? (string) $all[ $name ] : '';
	}

	/**
	 * The secrets that count, newest first.
	 *
	 * @return string[]
	 */
	public static function secrets(): array {
		return array_values( array_filter( array( self::get( 'secret' ), self::get( 'old_secret' ) ) ) );
	}

	/**
	 * Stores a new connection.
	 *
	 * @param array $connection As in get().
	 */
	public static function open( array $connection ): void {
		$another = ( $connection['server'] ?? '' ) . ( $connection['store_id'] ?? '' ) !== self::get( 'server' ) . self::get( 'store_id' );
		if ( $another ) {
			Told::forget_digests();
		}
		if ( $another || ! Site::same( self::site(), self::here() ) ) {
			Outbox::readdress( self::here() );
		}
		update_option( self::OPTION, $connection, false );
		update_option( self::FLAG, self::here(), true );
		// Every page of the shop asks for it.
		update_option( self::WORD, $connection['reference_parameter'] ?? 'ref', true );
		update_option( self::STATE, array(), true );
	}

	/**
	 * Changes some members, for a rotation.
	 *
	 * @param array $members Names and values.
	 */
	public static function change( array $members ): void {
		$all = get_option( self::OPTION, array() );
		update_option( self::OPTION, array_merge( is_array( $all ) ? $all : array(), $members ), false );
	}

	/**
	 * Forgets the connection. The outbox stays.
	 */
	public static function close(): void {
		delete_option( self::OPTION );
		update_option( self::FLAG, '', true );
		update_option( self::STATE, array(), true );
	}

	/**
	 * What is remembered between requests: paused_until, pause_reason, circuit_until, clock_offset, last_sent,
	 * last_failed, last_error. Times are seconds since 1970.
	 *
	 * @param string $name Its name.
	 * @return mixed Null when it is not set.
	 */
	public static function state( string $name ) {
		$all = get_option( self::STATE, array() );
		return is_array( $all ) ? ( $all[ $name ] ?? null ) : null;
	}

	/**
	 * Remembers; null forgets. Written only when something changes: it is read by every request.
	 *
	 * @param array $members Names and values.
	 */
	public static function remember( array $members ): void {
		$all = get_option( self::STATE, array() );
		$all = is_array( $all ) ? $all : array();
		$new = array_filter(
			array_merge( $all, $members ),
			static function ( $value ) {
				return null !== $value;
			}
		);
		if ( $new !== $all ) {
			update_option( self::STATE, $new, true );
		}
	}

	/**
	 * Why nothing is sent now, or ''.
	 *
	 * @return string '', 'not_connected', 'another_site', 'paused' or 'circuit'.
	 */
	public static function hindrance(): string {
		if ( ! self::is_connected() ) {
			return 'not_connected';
		}
		if ( self::is_elsewhere() ) {
			return 'another_site';
		}
		if ( (int) self::state( 'paused_until' ) > time() ) {
			return 'paused';
		}
		return (int) self::state( 'circuit_until' ) > time() ? 'circuit' : '';
	}
}
