<?php
/**
 * Work in the background.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * What Action Scheduler runs. No handler throws: a recurring action that keeps failing is not scheduled again.
 */
final class Sweep {

	const GROUP     = 'upline';
	const SWEEP     = 'upline_sweep';
	const DRAIN     = 'upline_drain';
	const HEARTBEAT = 'upline_heartbeat';
	const BACKFILL  = 'upline_backfill';
	const COUPONS   = 'upline_coupons';

	/**
	 * How long one run sends, in seconds. Hosts end processes after 30.
	 */
	const SECONDS = 20;

	/**
	 * Rows read and told at once.
	 */
	const BATCH = 50;

	/**
	 * Registers the handlers.
	 */
	public static function register(): void {
		add_action( self::SWEEP, Plugin::guard( array( self::class, 'run' ) ) );
		add_action( self::DRAIN, Plugin::guard( array( self::class, 'run' ) ) );
		add_action( self::HEARTBEAT, Plugin::guard( array( self::class, 'heartbeat' ) ) );
		add_action( self::BACKFILL, Plugin::guard( array( Backfill::class, 'step' ) ) );
		add_action( self::COUPONS, Plugin::guard( array( Coupons::class, 'run' ) ) );
		// Fires daily where Action Scheduler is 3.9.3 or newer; admin pages see to it elsewhere.
		add_action( 'action_scheduler_ensure_recurring_actions', Plugin::guard( array( self::class, 'ensure' ) ) );
		add_action( 'admin_init', Plugin::guard( array( self::class, 'ensure_hourly' ) ) );
	}

	/**
	 * Sees to it that the recurring actions are scheduled while the shop is connected, and not when it is not.
	 */
	public static function ensure(): void {
		if ( ! function_exists( 'as_schedule_recurring_action' ) ) {
			return;
		}
		$every = array(
			self::SWEEP     => MINUTE_IN_SECONDS,
			self::HEARTBEAT => 5 * MINUTE_IN_SECONDS,
			self::COUPONS   => HOUR_IN_SECONDS,
		);
		foreach ( $every as $hook => $seconds ) {
			$scheduled = as_next_scheduled_action( $hook, array(), self::GROUP );
			if ( Connection::is_connected() && false === $scheduled ) {
				as_schedule_recurring_action( time() + 5, $seconds, $hook, array(), self::GROUP );
			}
			if ( ! Connection::is_connected() && false !== $scheduled ) {
				as_unschedule_all_actions( $hook, array(), self::GROUP );
			}
		}
	}

	/**
	 * The same, at most once an hour.
	 */
	public static function ensure_hourly(): void {
		if ( Connection::is_connected() && ! get_transient( 'upline_ensured' ) ) {
			set_transient( 'upline_ensured', 1, HOUR_IN_SECONDS );
			self::ensure();
		}
	}

	/**
	 * Sends what is due, in one process, and asks for another run when time is up.
	 */
	public static function run(): void {
		$until = microtime( true ) + self::SECONDS;
		Outbox::prune();
		while ( '' === Connection::hindrance() ) {
			$rows = Outbox::due( self::BATCH );
			if ( ! $rows ) {
				return;
			}
			if ( ! Sender::send( $rows ) ) {
				return;
			}
			if ( microtime( true ) > $until ) {
				self::again();
				return;
			}
			// Ten thousand orders do not fit into a process that remembers each.
			if ( function_exists( 'wp_cache_flush_runtime' ) && wp_cache_supports( 'flush_runtime' ) ) {
				wp_cache_flush_runtime();
			}
		}
	}

	/**
	 * Tells the server that we are here and how much waits.
	 */
	public static function heartbeat(): void {
		if ( ! Connection::is_connected() || Connection::is_elsewhere() ) {
			return;
		}
		$answer = Client::call( 'heartbeat', self::condition(), 10.0 );
		if ( 200 !== $answer['status'] ) {
			return;
		}
		if ( 'circuit' !== Connection::hindrance() ) {
			// The server knows us: a pause from before has no reason any more.
			Connection::remember(
				array(
					'paused_until' => null,
					'pause_reason' => null,
				)
			);
		}
		Outbox::wake();
	}

	/**
	 * How things stand, as the protocol tells it.
	 *
	 * @return array
	 */
	public static function condition(): array {
		$depth = Outbox::depth();
		return array(
			'queue_depth'      => $depth['depth'],
			'oldest_unsent_at' => Logic\Snapshot::time( $depth['oldest'] ),
			'failed'           => $depth['failed'],
			'last_error'       => (string) Connection::state( 'last_error' ),
			'paused'           => '' !== Connection::hindrance(),
			'clock'            => Logic\Snapshot::time( time() ),
			'versions'         => Order_Reader::versions(),
			'time_zone'        => Order_Reader::time_zone(),
			'currency'         => get_woocommerce_currency(),
		);
	}

	/**
	 * Asks Action Scheduler for one more run at once.
	 */
	private static function again(): void {
		if ( function_exists( 'as_enqueue_async_action' ) ) {
			as_enqueue_async_action( self::DRAIN, array(), self::GROUP, true );
		}
	}
}
