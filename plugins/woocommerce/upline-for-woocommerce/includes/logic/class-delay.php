<?php
/**
 * When to try again.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce\Logic;

defined( 'ABSPATH' ) || exit;

/**
 * The waiting times of the outbox. Nothing is given up: after an hour between attempts it stays at an hour.
 */
final class Delay {

	const FIRST = 5;
	const MOST  = 3600;

	/**
	 * How long nothing is sent after a failure, so that the workers of a busy shop do not all wait for a dead server.
	 */
	const CIRCUIT = 30;

	/**
	 * A row that a crashed request left in "sending" is taken back after this long.
	 */
	const STUCK = 60;

	/**
	 * How long the queue rests when the server does not know us; an admin who connects again ends it.
	 */
	const PAUSE = 900;

	/**
	 * What the server cannot read is tried again once a day.
	 */
	const REFUSED = 86400;

	/**
	 * Seconds to wait after the nth failed attempt: 5, 10, 20 ... 3600, each up to a fifth longer by chance, so that
	 * a backlog does not come back all at once.
	 *
	 * @param int $attempts Attempts so far, 1 or more.
	 * @param int $chance   0 to 999.
	 * @return int
	 */
	public static function after( int $attempts, int $chance ): int {
		$doublings = max( 0, min( 20, $attempts - 1 ) );
		$delay     = min( self::MOST, self::FIRST * ( 2 ** $doublings ) );
		return $delay + intdiv( $delay * max( 0, min( 999, $chance ) ), 5000 );
	}

	/**
	 * What a Retry-After header asks for, in seconds, at least our own delay and at most an hour.
	 *
	 * @param string $header The header, in seconds; dates are not honoured.
	 * @param int    $delay  Our own delay.
	 * @return int
	 */
	public static function asked( string $header, int $delay ): int {
		if ( 1 !== preg_match( '/^\d{1,6}$/', trim( $header ) ) ) {
			return $delay;
		}
		return max( $delay, min( self::MOST, (int) trim( $header ) ) );
	}
}
