<?php
/**
 * Telling of past orders.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Puts the orders of a span of time into the outbox, some at a time, behind what is new. Where it stands is in an
 * option, so that it goes on after a crash.
 */
final class Backfill {

	const OPTION = 'upline_backfill';

	/**
	 * Orders put into the outbox at a time.
	 */
	const STEP = 200;

	/**
	 * No more than this waits in the outbox because of us: new orders come first.
	 */
	const WAITING = 400;

	/**
	 * Starts.
	 *
	 * @param int $from First second.
	 * @param int $to   Second after the last.
	 * @return array As state().
	 */
	public static function start( int $from, int $to ): array {
		$state = array(
			'from'   => $from,
			'to'     => $to,
			'cursor' => 0,
			'done'   => 0,
			'total'  => Order_Finder::count( $from, $to ),
			'since'  => time(),
			'ended'  => 0,
		);
		update_option( self::OPTION, $state, false );
		self::again( 0 );
		return $state;
	}

	/**
	 * Where it stands: from, to, cursor, done, total, since, ended (0 while it runs).
	 *
	 * @return array|null Null where none was started.
	 */
	public static function state(): ?array {
		$state = get_option( self::OPTION );
		return is_array( $state ) ? $state : null;
	}

	/**
	 * Stops; what is in the outbox is still told.
	 */
	public static function stop(): void {
		delete_option( self::OPTION );
		if ( function_exists( 'as_unschedule_all_actions' ) ) {
			as_unschedule_all_actions( Sweep::BACKFILL, array(), Sweep::GROUP );
		}
	}

	/**
	 * One step.
	 *
	 * @return bool Whether there is more to do.
	 */
	public static function step(): bool {
		$state = self::state();
		if ( ! $state || $state['ended'] ) {
			return false;
		}
		if ( Outbox::depth()['depth'] > self::WAITING || ! Connection::is_connected() ) {
			self::again( 15 );
			return true;
		}
		$ids = Order_Finder::between( 'created', $state['from'], $state['to'], $state['cursor'], self::STEP );
		foreach ( $ids as $id ) {
			Outbox::add( $id, 'backfill', 0 );
		}
		$state['done']  += count( $ids );
		$state['cursor'] = $ids ? end( $ids ) : $state['cursor'];
		$state['ended']  = count( $ids ) < self::STEP ? time() : 0;
		update_option( self::OPTION, $state, false );
		if ( ! $state['ended'] ) {
			self::again( 0 );
		}
		return ! $state['ended'];
	}

	/**
	 * Asks for one more step.
	 *
	 * @param int $wait Seconds.
	 */
	private static function again( int $wait ): void {
		if ( function_exists( 'as_schedule_single_action' ) ) {
			as_schedule_single_action( time() + $wait, Sweep::BACKFILL, array(), Sweep::GROUP );
		}
	}
}
