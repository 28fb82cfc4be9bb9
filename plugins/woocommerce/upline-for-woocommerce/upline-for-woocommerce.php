<?php
/**
 * Plugin Name:          Upline for WooCommerce
 * Description:          Commissions for direct-selling companies: tells Upline of every order, refund and change, and never loses one.
 * Version:              1.0.0
 * Requires at least:    6.6
 * Requires PHP:         7.4
 * Requires Plugins:     woocommerce
 * WC requires at least: 9.4
 * WC tested up to:      10.9
 * Author:               Upline
 * License:              GPL-2.0-or-later
 * License URI:          https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain:          upline-for-woocommerce
 * Domain Path:          /languages
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

const VERSION = '1.0.0';
const FILE    = __FILE__;

/**
 * Finds Upline\WooCommerce\Some_Class in includes/class-some-class.php, and what is below Logic in includes/logic.
 */
spl_autoload_register(
	static function ( string $name ): void {
		if ( 0 !== strpos( $name, __NAMESPACE__ . '\\' ) ) {
			return;
		}
		$path = explode( '\\', strtolower( str_replace( '_', '-', substr( $name, strlen( __NAMESPACE__ ) + 1 ) ) ) );
		$file = 'class-' . array_pop( $path ) . '.php';
		$path = __DIR__ . '/includes/' . ( $path ? implode( '/', $path ) . '/' : '' ) . $file;
		if ( is_readable( $path ) ) {
			require $path;
		}
	}
);

register_activation_hook( __FILE__, array( Install::class, 'activate' ) );
register_deactivation_hook( __FILE__, array( Install::class, 'deactivate' ) );

add_action(
	'before_woocommerce_init',
	static function (): void {
		if ( class_exists( \Automattic\WooCommerce\Utilities\FeaturesUtil::class ) ) {
			\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'custom_order_tables', __FILE__, true );
			\Automattic\WooCommerce\Utilities\FeaturesUtil::declare_compatibility( 'cart_checkout_blocks', __FILE__, true );
		}
	}
);

add_action( 'plugins_loaded', array( Plugin::class, 'start' ) );
