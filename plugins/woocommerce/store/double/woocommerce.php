<?php
/**
 * Plugin Name: WooCommerce (a stand-in for tests)
 * Description: Orders, refunds and settings with WooCommerce's names and hooks, as much as Upline's plugin uses, kept as posts. No shop.
 * Version: 10.9.1
 * License: GPL-2.0-or-later
 *
 * WooCommerce is on no package registry. What is true of WooCommerce itself is measured in a real shop
 * (docs/benchmarks.md); this stands in for it where WordPress, the plugin and the server are tested together.
 *
 * @package Upline\WooCommerce\Store
 */

defined( 'ABSPATH' ) || exit;

const WC_VERSION = '10.9.1';

require __DIR__ . '/orders.php';
require __DIR__ . '/shop.php';
require __DIR__ . '/settings.php';
require __DIR__ . '/scheduler.php';

/** Its presence is what plugins ask for. */
final class WooCommerce {}

add_action( 'plugins_loaded', static function () { do_action( 'before_woocommerce_init' ); }, 5 );
