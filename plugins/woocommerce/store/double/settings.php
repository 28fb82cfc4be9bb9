<?php
/**
 * WooCommerce > Settings and the order screen, as far as tabs, their nonce and boxes go.
 *
 * @package Upline\WooCommerce\Store
 */

defined( 'ABSPATH' ) || exit;

add_action(
	'admin_menu',
	static function () {
		// phpcs:disable
		add_menu_page( 'WooCommerce', 'WooCommerce', 'manage_options', 'woocommerce', '__return_null' );
		add_submenu_page( 'woocommerce', 'Settings', 'Settings', 'manage_options', 'wc-settings', 'upline_store_settings' );
		add_submenu_page( 'woocommerce', 'Orders', 'Orders', 'manage_options', 'wc-orders', 'upline_store_order' );
		add_action( 'load-woocommerce_page_wc-settings', 'upline_store_save' );
		// phpcs:enable
	}
);
add_filter( 'user_has_cap', static function ( $caps ) { return empty( $caps['manage_options'] ) ? $caps : $caps + array( 'manage_woocommerce' => true, 'edit_shop_orders' => true ); } );

/** A tab; loaded with the settings only, as in WooCommerce. */
function upline_store_pages(): array {
	static $pages;
	if ( null === $pages ) {
		require_once __DIR__ . '/settings-page.php';
		$pages = apply_filters( 'woocommerce_get_settings_pages', array() );
	}
	return $pages;
}

function upline_store_save() {
	// phpcs:disable
	$GLOBALS['current_section'] = sanitize_key( $_REQUEST['section'] ?? '' );
	$section = '' === $GLOBALS['current_section'] ? '' : '_' . $GLOBALS['current_section'];
	$save    = apply_filters( 'woocommerce_save_settings_' . sanitize_key( $_REQUEST['tab'] ?? '' ) . $section, ! empty( $_POST['save'] ) );
	foreach ( upline_store_pages() as $page ) {
		if ( $save && 'POST' === $_SERVER['REQUEST_METHOD'] && check_admin_referer( 'woocommerce-settings' ) ) {
			$page->save();
		}
	}
	// phpcs:enable
}

function upline_store_settings() {
	foreach ( upline_store_pages() as $page ) {
		echo '<div class="wrap woocommerce"><form method="post">';
		$page->sections();
		$page->output();
		if ( empty( $GLOBALS['hide_save_button'] ) ) {
			echo '<button name="save" value="1" class="button-primary woocommerce-save-button">Save changes</button>';
		}
		wp_nonce_field( 'woocommerce-settings' );
		echo '</form></div>';
	}
}

function upline_store_order() {
	// phpcs:disable
	$order = wc_get_order( (int) ( $_GET['id'] ?? 0 ) );
	if ( 'POST' === $_SERVER['REQUEST_METHOD'] && check_admin_referer( 'order' ) ) {
		do_action( 'woocommerce_process_shop_order_meta', $order->get_id(), $order );
		$order = wc_get_order( $order->get_id() );
	}
	// phpcs:enable
	do_action( 'add_meta_boxes', get_current_screen()->id, $order );
	echo '<div class="wrap"><h1>Order #' . (int) $order->get_id() . '</h1><form method="post">';
	wp_nonce_field( 'order' );
	do_meta_boxes( get_current_screen(), 'side', $order );
	echo '<button id="save_order">Update</button></form></div>';
}
