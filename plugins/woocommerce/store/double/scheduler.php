<?php
/**
 * Action Scheduler's functions over one option; the tests say when it runs.
 *
 * @package Upline\WooCommerce\Store
 */

defined( 'ABSPATH' ) || exit;

function as_next_scheduled_action( $hook, $args = array(), $group = '' ) {
	return get_option( 'upline_store_actions', array() )[ $hook ]['at'] ?? false;
}
function as_schedule_recurring_action( $at, $every, $hook, $args = array(), $group = '' ) {
	return upline_store_schedule( $hook, $at, $every );
}
function as_schedule_single_action( $at, $hook, $args = array(), $group = '' ) {
	return upline_store_schedule( $hook, $at, 0 );
}
function as_enqueue_async_action( $hook, $args = array(), $group = '', $unique = false ) {
	return upline_store_schedule( $hook, time(), 0 );
}
function as_unschedule_all_actions( $hook, $args = array(), $group = '' ) {
	$all = get_option( 'upline_store_actions', array() );
	update_option( 'upline_store_actions', '' === $hook ? array() : array_diff_key( $all, array( $hook => 1 ) ) );
}
function upline_store_schedule( string $hook, int $at, int $every ): int {
	$all          = get_option( 'upline_store_actions', array() );
	$all[ $hook ] = array( 'at' => $at, 'every' => $every );
	update_option( 'upline_store_actions', $all );
	return 1;
}
/** Runs every action there is, due or not. */
function upline_store_run_actions(): array {
	$ran = array();
	foreach ( get_option( 'upline_store_actions', array() ) as $hook => $action ) {
		if ( ! $action['every'] ) {
			as_unschedule_all_actions( $hook );
		}
		do_action( $hook ); // phpcs:ignore
		$ran[] = $hook;
	}
	return $ran;
}
