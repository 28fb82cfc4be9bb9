<?php
/**
 * The outbox.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Delay;

defined( 'ABSPATH' ) || exit;

/**
 * Rows of what has to be told. A row is written in the request that changes an order, before the buyer has the
 * answer, so that neither a crash nor a server that is down for days loses it.
 *
 * States: dirty (changed; the snapshot is not made yet), ready (snapshot made, or to be tried again), sending,
 * sent, superseded (a later snapshot of the order was delivered), refused (a person must act; tried once a day),
 * too_large (again when the order changes).
 */
final class Outbox {

	const OPEN = array( 'dirty', 'ready', 'sending', 'refused', 'too_large' );

	/**
	 * How long sent rows are kept, in seconds: what was told, for somebody who asks.
	 */
	const KEEP = 30 * DAY_IN_SECONDS;

	/**
	 * From then on an admin is told that something waits, in seconds.
	 */
	const LATE = 15 * MINUTE_IN_SECONDS;

	/**
	 * The table of this site.
	 */
	public static function table(): string {
		global $wpdb;
		return $wpdb->prefix . 'upline_outbox';
	}

	/**
	 * Notes that an order changed. The sweep takes the row up a minute later, should this request die.
	 *
	 * @param int    $order_id Order.
	 * @param string $cause    What happened.
	 * @param int    $wait     Seconds before the sweep may take it up.
	 * @return int Id of the row.
	 */
	public static function add( int $order_id, string $cause, int $wait = Delay::STUCK ): int {
		global $wpdb;
		$now = time();
		// Not $wpdb->insert(): that asks for the columns of the table first, in the buyer's time.
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		$wpdb->query( $wpdb->prepare( "INSERT INTO %i (order_id, cause, state, due_at, created_at) VALUES (%d, %s, 'dirty', %d, %d)", self::table(), $order_id, $cause, $now + $wait, $now ) );
		return (int) $wpdb->insert_id;
	}

	/**
	 * Does several changes in one transaction: one write to the disk instead of one each. Orders are never read within it,
	 * as what is read there may be older than what others have written since.
	 *
	 * @param callable $work What to do.
	 * @return mixed What it gave.
	 * @throws \Throwable What it threw; nothing is changed then.
	 */
	public static function together( callable $work ) {
		global $wpdb;
		$wpdb->query( 'START TRANSACTION' ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		try {
			$result = $work();
		} catch ( \Throwable $fault ) {
			$wpdb->query( 'ROLLBACK' ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
			throw $fault;
		}
		$wpdb->query( 'COMMIT' ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		return $result;
	}

	/**
	 * A row that was written by this request, as the database has it.
	 *
	 * @param int    $id       Its id.
	 * @param int    $order_id Order.
	 * @param string $cause    What happened.
	 * @return object
	 */
	public static function fresh( int $id, int $order_id, string $cause ) {
		return (object) array(
			'id'       => $id,
			'order_id' => $order_id,
			'cause'    => $cause,
			'state'    => 'dirty',
			'attempts' => 0,
			'payload'  => null,
			'event_id' => '',
		);
	}

	/**
	 * One row.
	 *
	 * @param int $id Its id.
	 * @return object|null
	 */
	public static function get( int $id ) {
		global $wpdb;
		return $wpdb->get_row( $wpdb->prepare( 'SELECT * FROM %i WHERE id = %d', self::table(), $id ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}

	/**
	 * Changes a row.
	 *
	 * @param int   $id      Its id.
	 * @param array $members Columns.
	 */
	public static function set( int $id, array $members ): void {
		global $wpdb;
		$wpdb->update( self::table(), $members, array( 'id' => $id ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}

	/**
	 * Takes a row for sending. Only one process gets it.
	 *
	 * @param object $row As read.
	 * @return bool
	 */
	public static function claim( $row ): bool {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		$taken = $wpdb->query(
			$wpdb->prepare(
				"UPDATE %i SET state = 'sending', attempts = attempts + 1, due_at = %d WHERE id = %d AND state = %s AND attempts = %d",
				self::table(),
				time() + Delay::STUCK,
				$row->id,
				$row->state,
				$row->attempts
			)
		);
		return 1 === $taken;
	}

	/**
	 * Gives a claimed row back that was not told: no attempt was made.
	 *
	 * @param object $row The row, with its snapshot.
	 */
	public static function release( $row ): void {
		self::set(
			(int) $row->id,
			array(
				'state'    => 'ready',
				'due_at'   => time(),
				'attempts' => max( 0, (int) $row->attempts - 1 ),
			)
		);
	}

	/**
	 * The rows that are due, oldest first, at most one per order and that its newest: a full snapshot makes the older
	 * ones needless.
	 *
	 * @param int $limit How many.
	 * @return object[]
	 */
	public static function due( int $limit ): array {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		return $wpdb->get_results(
			$wpdb->prepare(
				"SELECT o.* FROM %i o WHERE o.state IN ('dirty','ready','sending','refused') AND o.due_at <= %d
				AND NOT EXISTS ( SELECT 1 FROM %i n WHERE n.order_id = o.order_id AND n.id > o.id AND n.state IN ('dirty','ready','sending') )
				ORDER BY o.due_at, o.id LIMIT %d",
				self::table(),
				time(),
				self::table(),
				$limit
			)
		);
	}

	/**
	 * A row was delivered: with it all older ones of its order.
	 *
	 * @param object $row The row.
	 */
	public static function delivered( $row ): void {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		$wpdb->query(
			$wpdb->prepare(
				"UPDATE %i SET sent_at = %d, payload = IF( id = %d, payload, NULL ), last_error = IF( id = %d, '', last_error ), state = IF( id = %d, 'sent', 'superseded' ), noted = 0
				WHERE order_id = %d AND ( id = %d OR ( id < %d AND state IN ('dirty','ready','refused','too_large') ) )",
				self::table(),
				time(),
				$row->id,
				$row->id,
				$row->id,
				$row->order_id,
				$row->id,
				$row->id
			)
		);
	}

	/**
	 * The server answers again: what waits because it did not is due now, and not up to an hour later. The order in which rows
	 * became due stays, and what the server itself has put off (429) keeps its time.
	 *
	 * @return int How many were woken.
	 */
	public static function wake(): int {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		return (int) $wpdb->query(
			$wpdb->prepare(
				"UPDATE %i SET due_at = %d WHERE state IN ('dirty','ready') AND attempts > 0 AND due_at > %d AND last_error NOT LIKE %s",
				self::table(),
				time(),
				time(),
				'429%'
			)
		);
	}

	/**
	 * Those of some orders whose notes say that they could not be told yet.
	 *
	 * @param int[] $order_ids Orders, at least one.
	 * @return int[]
	 */
	public static function noted( array $order_ids ): array {
		global $wpdb;
		$places = implode( ',', array_fill( 0, count( $order_ids ), '%d' ) );
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery, WordPress.DB.PreparedSQL.InterpolatedNotPrepared, WordPress.DB.PreparedSQLPlaceholders.UnfinishedPrepare -- $places is %d only.
		$found = $wpdb->get_col( $wpdb->prepare( "SELECT DISTINCT order_id FROM %i WHERE noted = 1 AND order_id IN ($places)", array_merge( array( self::table() ), $order_ids ) ) );
		return array_map( 'intval', $found );
	}

	/**
	 * This shop speaks from another address now, or to another store: what was written for the old one is written anew.
	 * A deleted order has no other snapshot than the one that was made; only its address is set right.
	 *
	 * @param string $site The address.
	 */
	public static function readdress( string $site ): void {
		global $wpdb;
		// phpcs:disable WordPress.DB.DirectDatabaseQuery
		$wpdb->query( $wpdb->prepare( "UPDATE %i SET state = 'dirty', payload = NULL, event_id = '', due_at = %d WHERE state IN ('ready','refused','too_large') AND cause <> 'order.deleted'", self::table(), time() ) );
		foreach ( $wpdb->get_results( $wpdb->prepare( "SELECT id, payload FROM %i WHERE state IN ('ready','refused','too_large') AND cause = 'order.deleted'", self::table() ) ) as $row ) {
			$event         = (array) json_decode( (string) $row->payload, true );
			$event['site'] = $site;
			self::set(
				(int) $row->id,
				array(
					'state'   => 'ready',
					'due_at'  => time(),
					'payload' => (string) wp_json_encode( $event ),
				)
			);
		}
		// phpcs:enable
	}

	/**
	 * How many wait, since when, and how many need a person.
	 *
	 * @return array {depth, oldest (seconds since 1970, or null), failed}.
	 */
	public static function depth(): array {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		$row = $wpdb->get_row(
			$wpdb->prepare(
				"SELECT COUNT(*) AS depth, MIN(created_at) AS oldest, SUM( state IN ('refused','too_large') ) AS failed FROM %i WHERE state IN ('dirty','ready','sending','refused','too_large')",
				self::table()
			)
		);
		return array(
			'depth'  => $row ? (int) $row->depth : 0,
			'oldest' => $row && null !== $row->oldest ? (int) $row->oldest : null,
			'failed' => $row ? (int) $row->failed : 0,
		);
	}

	/**
	 * Whether what waits has waited for too long: the server is asked every minute.
	 *
	 * @param array $depth As from depth().
	 * @return bool
	 */
	public static function is_late( array $depth ): bool {
		return null !== $depth['oldest'] && $depth['oldest'] < time() - self::LATE;
	}

	/**
	 * Rows for the status page: those that need a person first, then what waits, then what was sent.
	 *
	 * @param int $limit How many.
	 * @return object[]
	 */
	public static function newest( int $limit ): array {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		return $wpdb->get_results(
			$wpdb->prepare(
				"SELECT id, order_id, cause, state, attempts, due_at, created_at, sent_at, last_error FROM %i WHERE state <> 'superseded' ORDER BY state IN ('refused','too_large') DESC, state IN ('dirty','ready','sending') DESC, id DESC LIMIT %d",
				self::table(),
				$limit
			)
		);
	}

	/**
	 * Makes rows due at once, with fresh snapshots.
	 *
	 * @param int $id One row, or 0 for all that wait.
	 * @return int How many.
	 */
	public static function retry( int $id = 0 ): int {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		return (int) $wpdb->query(
			$wpdb->prepare(
				"UPDATE %i SET due_at = %d, state = IF( payload IS NULL, 'dirty', 'ready' ) WHERE state IN ('dirty','ready','refused','too_large') AND ( %d = 0 OR id = %d )",
				self::table(),
				time(),
				$id,
				$id
			)
		);
	}

	/**
	 * After an update of the plugin: what could not be read before may be readable now, so a new snapshot is made.
	 */
	public static function retry_refused(): void {
		global $wpdb;
		// A deleted order has no other snapshot than the one that was made.
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		$wpdb->query( $wpdb->prepare( "UPDATE %i SET due_at = %d, state = IF( cause = 'order.deleted', 'ready', 'dirty' ) WHERE state IN ('refused','too_large')", self::table(), time() ) );
	}

	/**
	 * Drops what was sent of an order, as far as it is kept for somebody who asks: it holds the customer's number and a hash of
	 * the e-mail. What waits is still told.
	 *
	 * @param int $order_id Order.
	 */
	public static function forget( int $order_id ): void {
		global $wpdb;
		$wpdb->query( $wpdb->prepare( "UPDATE %i SET payload = NULL WHERE order_id = %d AND state IN ('sent','superseded')", self::table(), $order_id ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}

	/**
	 * Removes what was delivered long ago, in small steps.
	 */
	public static function prune(): void {
		global $wpdb;
		$wpdb->query( $wpdb->prepare( "DELETE FROM %i WHERE state IN ('sent','superseded') AND sent_at < %d LIMIT 1000", self::table(), time() - self::KEEP ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}
}
