<?php
/**
 * Finding orders by the thousand.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Ids of orders in ascending order, on both storages. wc_get_orders() cannot go on after an id, and leaves the trash and
 * statuses of plugins that are switched off out.
 */
final class Order_Finder {

	/**
	 * Orders made or modified in a span of time.
	 *
	 * @param string $by    created or modified; modified counts the outbox too, which knows of changes that leave the
	 *                      order's own date alone.
	 * @param int    $from  First second.
	 * @param int    $to    Second after the last.
	 * @param int    $after Only ids above this.
	 * @param int    $limit How many.
	 * @return int[]
	 */
	public static function between( string $by, int $from, int $to, int $after, int $limit ): array {
		global $wpdb;
		$table = self::columns();
		$date  = 'created' === $by ? $table['created'] : $table['modified'];
		$query = $wpdb->prepare(
			"SELECT o.%i FROM %i o WHERE o.%i = 'shop_order' AND o.%i NOT IN ('auto-draft','wc-checkout-draft','draft','new') AND o.%i > %d AND ( ( o.%i >= %s AND o.%i < %s )",
			$table['id'],
			$table['name'],
			$table['type'],
			$table['status'],
			$table['id'],
			$after,
			$date,
			gmdate( 'Y-m-d H:i:s', $from ),
			$date,
			gmdate( 'Y-m-d H:i:s', $to )
		);
		if ( 'modified' === $by ) {
			$query .= $wpdb->prepare( ' OR o.%i IN ( SELECT order_id FROM %i WHERE created_at >= %d AND created_at < %d )', $table['id'], Outbox::table(), $from, $to );
		}
		$query .= $wpdb->prepare( ' ) ORDER BY o.%i LIMIT %d', $table['id'], $limit );
		return array_map( 'intval', $wpdb->get_col( $query ) ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery, WordPress.DB.PreparedSQL.NotPrepared -- every part is prepared.
	}

	/**
	 * How many were made in a span of time.
	 *
	 * @param int $from First second.
	 * @param int $to   Second after the last.
	 * @return int
	 */
	public static function count( int $from, int $to ): int {
		global $wpdb;
		$table = self::columns();
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		return (int) $wpdb->get_var(
			$wpdb->prepare(
				"SELECT COUNT(*) FROM %i WHERE %i = 'shop_order' AND %i NOT IN ('auto-draft','wc-checkout-draft','draft','new') AND %i >= %s AND %i < %s",
				$table['name'],
				$table['type'],
				$table['status'],
				$table['created'],
				gmdate( 'Y-m-d H:i:s', $from ),
				$table['created'],
				gmdate( 'Y-m-d H:i:s', $to )
			)
		);
	}

	/**
	 * Where orders are.
	 *
	 * @return string[]
	 */
	private static function columns(): array {
		global $wpdb;
		if ( 'hpos' === Order_Reader::versions()['storage'] ) {
			return array(
				'name'     => $wpdb->prefix . 'wc_orders',
				'id'       => 'id',
				'type'     => 'type',
				'status'   => 'status',
				'created'  => 'date_created_gmt',
				'modified' => 'date_updated_gmt',
			);
		}
		return array(
			'name'     => $wpdb->posts,
			'id'       => 'ID',
			'type'     => 'post_type',
			'status'   => 'post_status',
			'created'  => 'post_date_gmt',
			'modified' => 'post_modified_gmt',
		);
	}
}
