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
	$with_meta = 'yes' === get_option( 'upline_delete_meta' );
	// phpcs:disable WordPress.DB.DirectDatabaseQuery -- there is no other way to drop tables and to delete by pattern.
	$is_there = static function ( $table ) use ( $wpdb ) {
		return $table === $wpdb->get_var( $wpdb->prepare( 'SHOW TABLES LIKE %s', $wpdb->esc_like( $table ) ) );
	};
	// Not by Action Scheduler's own functions: WooCommerce need not be active, and they would only mark what ran as cancelled.
	if ( $is_there( $wpdb->prefix . 'actionscheduler_actions' ) && $is_there( $wpdb->prefix . 'actionscheduler_groups' ) ) {
		$wpdb->query( $wpdb->prepare( 'DELETE l FROM %i l JOIN %i a ON a.action_id = l.action_id JOIN %i g ON g.group_id = a.group_id WHERE g.slug = %s', $wpdb->prefix . 'actionscheduler_logs', $wpdb->prefix . 'actionscheduler_actions', $wpdb->prefix . 'actionscheduler_groups', 'upline' ) );
		$wpdb->query( $wpdb->prepare( 'DELETE a FROM %i a JOIN %i g ON g.group_id = a.group_id WHERE g.slug = %s', $wpdb->prefix . 'actionscheduler_actions', $wpdb->prefix . 'actionscheduler_groups', 'upline' ) );
		$wpdb->query( $wpdb->prepare( 'DELETE FROM %i WHERE slug = %s', $wpdb->prefix . 'actionscheduler_groups', 'upline' ) );
	}
	// The keys for reading that WooCommerce granted Upline.
	if ( $is_there( $wpdb->prefix . 'woocommerce_api_keys' ) ) {
		$wpdb->query( $wpdb->prepare( 'DELETE FROM %i WHERE description LIKE %s', $wpdb->prefix . 'woocommerce_api_keys', $wpdb->esc_like( 'Upline - API (' ) . '%' ) );
	}
	$wpdb->query( $wpdb->prepare( 'DROP TABLE IF EXISTS %i', $wpdb->prefix . 'upline_outbox' ) );
	$wpdb->query( $wpdb->prepare( 'DROP TABLE IF EXISTS %i', $wpdb->prefix . 'upline_orders' ) );
	$wpdb->query( $wpdb->prepare( 'DELETE FROM %i WHERE option_name LIKE %s OR option_name LIKE %s OR option_name LIKE %s', $wpdb->options, $wpdb->esc_like( 'upline_' ) . '%', $wpdb->esc_like( '_transient_upline_' ) . '%', $wpdb->esc_like( '_transient_timeout_upline_' ) . '%' ) );
	if ( $with_meta ) {
		foreach ( array( $wpdb->postmeta, $wpdb->prefix . 'wc_orders_meta' ) as $table ) {
			if ( $is_there( $table ) ) {
				$wpdb->query( $wpdb->prepare( 'DELETE FROM %i WHERE meta_key LIKE %s OR meta_key = %s', $table, $wpdb->esc_like( '_upline_' ) . '%', '_wc_other/upline/referrer' ) );
			}
		}
		delete_metadata( 'user', 0, ( is_multisite() ? $wpdb->get_blog_prefix() : '' ) . 'upline_distributor_id', '', true );
	}
	// phpcs:enable
	// WordPress makes the addresses anew at the next page, without that of the account's tab.
	delete_option( 'rewrite_rules' );
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
