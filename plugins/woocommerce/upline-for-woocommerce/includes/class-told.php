<?php
/**
 * What the server was last told of each order.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * One row an order: its sequence, what was last told, and what the shop itself forgets (statuses passed through,
 * products of lines, refunds that were deleted).
 */
final class Told {

	/**
	 * How many changes of status are kept of an order.
	 */
	const HISTORY = 50;

	/**
	 * The table of this site.
	 */
	public static function table(): string {
		global $wpdb;
		return $wpdb->prefix . 'upline_orders';
	}

	/**
	 * The row of an order, with its lists as arrays.
	 *
	 * @param int $order_id Order.
	 * @return array Empty lists and sequence 0 for an order that was never told.
	 */
	public static function row( int $order_id ): array {
		return self::rows( array( $order_id ) )[ $order_id ] ?? self::read( null );
	}

	/**
	 * The rows of some orders, by order id; those never told are missing.
	 *
	 * @param int[] $order_ids Orders.
	 * @return array
	 */
	public static function rows( array $order_ids ): array {
		global $wpdb;
		$rows = array();
		if ( $order_ids ) {
			$places = implode( ',', array_fill( 0, count( $order_ids ), '%d' ) );
			// phpcs:ignore WordPress.DB.DirectDatabaseQuery, WordPress.DB.PreparedSQL.InterpolatedNotPrepared, WordPress.DB.PreparedSQLPlaceholders.UnfinishedPrepare -- $places is %d only.
			$found = $wpdb->get_results( $wpdb->prepare( "SELECT * FROM %i WHERE order_id IN ($places)", array_merge( array( self::table() ), $order_ids ) ) );
			foreach ( $found as $row ) {
				$rows[ (int) $row->order_id ] = self::read( $row );
			}
		}
		return $rows;
	}

	/**
	 * Takes the next sequence of an order: compare and swap, so that no two events share one, on any database. Not within a
	 * transaction, which would read what was there when it began.
	 *
	 * @param int $order_id Order.
	 * @param int $above    The sequence has to be above this, for a shop restored from a backup.
	 * @throws \RuntimeException When the database does not let us.
	 * @return int
	 */
	public static function next_sequence( int $order_id, int $above = 0 ): int {
		global $wpdb;
		for ( $i = 0; $i < 50; $i++ ) {
			$next = self::take( $order_id, self::held( array( $order_id ) )[ $order_id ] ?? null, $above );
			if ( $next ) {
				return $next;
			}
		}
		throw new \RuntimeException( 'no sequence could be taken for order ' . esc_html( (string) $order_id ) . ': ' . esc_html( $wpdb->last_error ) );
	}

	/**
	 * The sequences that orders have now.
	 *
	 * @param int[] $order_ids Orders.
	 * @return int[] By order; those never told are missing.
	 */
	public static function held( array $order_ids ): array {
		global $wpdb;
		$places = implode( ',', array_fill( 0, max( 1, count( $order_ids ) ), '%d' ) );
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery, WordPress.DB.PreparedSQL.InterpolatedNotPrepared, WordPress.DB.PreparedSQLPlaceholders.UnfinishedPrepare -- $places is %d only.
		$rows = $wpdb->get_results( $wpdb->prepare( "SELECT order_id, sequence FROM %i WHERE order_id IN ($places)", array_merge( array( self::table() ), $order_ids ? $order_ids : array( 0 ) ) ) );
		return array_map( 'intval', array_column( $rows, 'sequence', 'order_id' ) );
	}

	/**
	 * Takes the sequence after the one an order has, unless another has taken it.
	 *
	 * @param int      $order_id Order.
	 * @param int|null $held     What the order has; null where it has none.
	 * @param int      $above    The sequence has to be above this.
	 * @return int 0 where another was first.
	 */
	public static function take( int $order_id, ?int $held, int $above = 0 ): int {
		global $wpdb;
		$next = max( (int) get_option( 'upline_first_sequence', 0 ), $above, (int) $held ) + 1;
		if ( null === $held ) {
			$done = $wpdb->query( $wpdb->prepare( 'INSERT IGNORE INTO %i (order_id, sequence) VALUES (%d, %d)', self::table(), $order_id, $next ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		} else {
			$done = $wpdb->query( $wpdb->prepare( 'UPDATE %i SET sequence = %d WHERE order_id = %d AND sequence = %d', self::table(), $next, $order_id, $held ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
		}
		return 1 === $done ? $next : 0;
	}

	/**
	 * Remembers what is being told. A snapshot that was overtaken by a later one changes nothing.
	 *
	 * @param int   $order_id Order.
	 * @param int   $sequence The event's.
	 * @param array $members  event_id, digest, told_at, created_at, gone, history, known, deleted_refunds.
	 */
	public static function remember( int $order_id, int $sequence, array $members ): void {
		global $wpdb;
		foreach ( array( 'history', 'known', 'deleted_refunds' ) as $list ) {
			if ( isset( $members[ $list ] ) ) {
				$members[ $list ] = wp_json_encode( $members[ $list ] );
			}
		}
		$where = array(
			'order_id' => $order_id,
			'sequence' => $sequence,
		);
		$wpdb->update( self::table(), $members, $where ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}

	/**
	 * Notes at once that a refund is gone: nothing else in the shop remembers it.
	 *
	 * @param int $order_id  Order.
	 * @param int $refund_id Refund.
	 */
	public static function refund_deleted( int $order_id, int $refund_id ): void {
		global $wpdb;
		if ( ! self::rows( array( $order_id ) ) ) {
			self::next_sequence( $order_id );
		}
		$deleted   = self::row( $order_id )['deleted_refunds'];
		$ids       = array_column( $deleted, 'id' );
		$deleted[] = array(
			'id' => $refund_id,
			'at' => time(),
		);
		if ( ! in_array( $refund_id, $ids, true ) ) {
			// phpcs:ignore WordPress.DB.DirectDatabaseQuery
			$wpdb->update( self::table(), array( 'deleted_refunds' => wp_json_encode( $deleted ) ), array( 'order_id' => $order_id ) );
		}
	}

	/**
	 * Another store at Upline was told nothing yet. Sequences go on.
	 */
	public static function forget_digests(): void {
		global $wpdb;
		$wpdb->query( $wpdb->prepare( "UPDATE %i SET digest = '', event_id = ''", self::table() ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}

	/**
	 * Orders that are gone for good and were told so in a span of time.
	 *
	 * @param int $from First second.
	 * @param int $to   Second after the last.
	 * @return array List of {id, sequence}.
	 */
	public static function gone( int $from, int $to ): array {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		$rows = $wpdb->get_results( $wpdb->prepare( 'SELECT order_id, sequence FROM %i WHERE gone = 1 AND ( ( told_at >= %d AND told_at < %d ) OR ( created_at >= %d AND created_at < %d ) ) ORDER BY order_id LIMIT 1000', self::table(), $from, $to, $from, $to ) );
		return array_map(
			static function ( $row ) {
				return array(
					'id'       => (string) $row->order_id,
					'sequence' => (int) $row->sequence,
				);
			},
			$rows
		);
	}

	/**
	 * A row with its lists read.
	 *
	 * @param object|null $row As the database gave it.
	 * @return array
	 */
	private static function read( $row ): array {
		$told = array(
			'sequence' => $row ? (int) $row->sequence : 0,
			'event_id' => $row ? (string) $row->event_id : '',
			'digest'   => $row ? (string) $row->digest : '',
			'told_at'  => $row ? (int) $row->told_at : 0,
			'gone'     => $row && (int) $row->gone,
		);
		foreach ( array( 'history', 'known', 'deleted_refunds' ) as $list ) {
			$value         = $row ? json_decode( (string) $row->$list, true ) : null;
			$told[ $list ] = is_array( $value ) ? $value : array();
		}
		return $told;
	}
}
