<?php
/**
 * Which site this is.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce\Logic;

defined( 'ABSPATH' ) || exit;

/**
 * Tells the connected site from a copy of it: a staging copy has the same database, and must not send as production.
 */
final class Site {

	/**
	 * The address in the form in which two are compared: the scheme does not tell a site from its copy, host,
	 * port and path do.
	 *
	 * @param string $url The home URL.
	 * @return string For example "shop.example.com/de".
	 */
	public static function name( string $url ): string {
		$part = parse_url( trim( $url ) ); // phpcs:ignore WordPress.WP.AlternativeFunctions.parse_url_parse_url -- free of WordPress, and since PHP 7.4 the same.
		if ( ! is_array( $part ) || empty( $part['host'] ) ) {
			return '';
		}
		$host = strtolower( $part['host'] );
		$port = isset( $part['port'] ) && ! in_array( $part['port'], array( 80, 443 ), true ) ? ':' . $part['port'] : '';
		return $host . $port . rtrim( $part['path'] ?? '', '/' );
	}

	/**
	 * Whether both addresses are the same site. An address that cannot be read is no site's.
	 *
	 * @param string $connected The home URL that was connected.
	 * @param string $now       The home URL as it is now.
	 * @return bool
	 */
	public static function same( string $connected, string $now ): bool {
		return '' !== self::name( $connected ) && self::name( $connected ) === self::name( $now );
	}
}
