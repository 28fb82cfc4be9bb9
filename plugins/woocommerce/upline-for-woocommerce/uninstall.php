<?php
/**
 * Deletes what the plugin made. What it wrote into orders and users is the shop's evidence, and goes only where the
 * merchant asked for it.
 *
 * @package Upline\WooCommerce
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

/**
 * Cleans up one site.
 */
function upline_for_woocommerce_uninstall_site() {
	global $wpdb;
	if ( function_exists( 'as_unschedule_all_actions' ) ) {
		as_unschedule_all_actions( '', array(), 'upline' );
	}
	$with_meta = 'yes' === get_option( 'upline_delete_meta' );
	// phpcs:disable WordPress.DB.DirectDatabaseQuery -- there is no other way to drop tables and to delete by pattern.
	$wpdb->query( $wpdb->prepare( 'DROP TABLE IF EXISTS %i', $wpdb->prefix . 'upline_outbox' ) );
	$wpdb->query( $wpdb->prepare( 'DROP TABLE IF EXISTS %i', $wpdb->prefix . 'upline_orders' ) );
	$wpdb->query( $wpdb->prepare( 'DELETE FROM %i WHERE option_name LIKE %s OR option_name LIKE %s OR option_name LIKE %s', $wpdb->options, $wpdb->esc_like( 'upline_' ) . '%', $wpdb->esc_like( '_transient_upline_' ) . '%', $wpdb->esc_like( '_transient_timeout_upline_' ) . '%' ) );
	if ( $with_meta ) {
		foreach ( array( $wpdb->postmeta, $wpdb->prefix . 'wc_orders_meta' ) as $table ) {
			if ( $table === $wpdb->get_var( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $table ) ) ) ) {
				$wpdb->query( $wpdb->prepare( 'DELETE FROM %i WHERE meta_key LIKE %s', $table, $wpdb->esc_like( '_upline_' ) . '%' ) );
			}
		}
		delete_metadata( 'user', 0, ( is_multisite() ? $wpdb->get_blog_prefix() : '' ) . 'upline_distributor_id', '', true );
	}
	// phpcs:enable
	wp_cache_flush();
}

if ( is_multisite() ) {
	foreach ( get_sites(
		array(
			'fields' => 'ids',
			'number' => 0,
		)
	) as $upline_site ) {
		switch_to_blog( $upline_site );
		upline_for_woocommerce_uninstall_site();
		restore_current_blog();
	}
} else {
	upline_for_woocommerce_uninstall_site();
}
