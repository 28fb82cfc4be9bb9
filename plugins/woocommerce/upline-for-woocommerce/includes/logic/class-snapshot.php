<?php
/**
 * The body of an order event.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce\Logic;

defined( 'ABSPATH' ) || exit;

/**
 * Makes the full snapshot of docs/plugin-protocol.md, section 2, from plain arrays: what the shop says about an order.
 * Amounts come in as WooCommerce hands them out and go out as decimal text; ids go out as text.
 */
final class Snapshot {

	const VERSION = 1;

	/**
	 * The order as told to the server.
	 *
	 * @param array $order Facts of the order, with lists lines, fees, shipping, coupons, refunds (the live ones),
	 *                     deleted_refunds ({id, at}) and known (line id => what was first told of its product).
	 * @return array
	 */
	public static function order( array $order ): array {
		$refunds = self::refunds( $order['refunds'], $order['deleted_refunds'] );
		$given   = self::given_back( $refunds );
		$lines   = array();
		foreach ( $order['lines'] as $line ) {
			$lines[] = self::line( $line, $order['known'][ (string) $line['id'] ] ?? array(), $order['coupons'], $given );
		}
		$told              = $order['facts'];
		$told['total']     = Decimal::text( $order['total'] );
		$told['total_tax'] = Decimal::text( $order['total_tax'] );
		$told['lines']     = $lines;
		$told['fees']      = array_map( array( self::class, 'charge' ), $order['fees'] );
		$told['shipping']  = array_map( array( self::class, 'charge' ), $order['shipping'] );
		$told['coupons']   = array_map( array( self::class, 'coupon' ), $order['coupons'] );
		$told['refunds']   = $refunds;
		return $told;
	}

	/**
	 * The whole event.
	 *
	 * @param array  $order    The order as told to the server.
	 * @param array  $shop     {site, versions, store}.
	 * @param string $event_id Unique for ever.
	 * @param int    $sequence Strictly rising per order.
	 * @param string $cause    What happened; for people.
	 * @param int    $at       Seconds since 1970.
	 * @return array
	 */
	public static function event( array $order, array $shop, string $event_id, int $sequence, string $cause, int $at ): array {
		return array(
			'type'        => 'order.snapshot',
			'version'     => self::VERSION,
			'event_id'    => $event_id,
			'sequence'    => $sequence,
			'cause'       => $cause,
			'occurred_at' => self::time( $at ),
			'site'        => $shop['site'],
			'platform'    => 'woocommerce',
			'versions'    => $shop['versions'],
			'store'       => $shop['store'],
			'order'       => $order,
		);
	}

	/**
	 * Several events in one body. They are not written anew: each is told by the bytes it would be told by alone.
	 *
	 * @param string   $site   The shop's address.
	 * @param string[] $events JSON.
	 * @return string JSON.
	 */
	public static function batch( string $site, array $events ): string {
		// phpcs:ignore WordPress.WP.AlternativeFunctions.json_encode_json_encode -- the same bytes with and without WordPress.
		return '{"type":"order.batch","version":1,"site":' . json_encode( $site ) . ',"events":[' . implode( ',', $events ) . ']}';
	}

	/**
	 * What an order comes to, in one hash: equal where nothing changed that pay depends on. Names and categories of
	 * products and the date of modification are left out: they change without the order.
	 *
	 * @param array $order The order as told to the server.
	 * @return string
	 */
	public static function digest( array $order ): string {
		unset( $order['modified_at'], $order['history'] );
		foreach ( $order['lines'] as $i => $line ) {
			unset( $order['lines'][ $i ]['name'], $order['lines'][ $i ]['categories'] );
		}
		return hash( 'sha256', (string) json_encode( $order ) ); // phpcs:ignore WordPress.WP.AlternativeFunctions.json_encode_json_encode -- the same bytes with and without WordPress.
	}

	/**
	 * What is kept of each line's product for the time when the product is gone. The first value told stays.
	 *
	 * @param array $known What was kept so far, by line id.
	 * @param array $order The order as told to the server.
	 * @return array
	 */
	public static function remember( array $known, array $order ): array {
		foreach ( $order['lines'] as $line ) {
			foreach ( array( 'kind', 'sku', 'product_id', 'variation_id', 'name' ) as $field ) {
				if ( '' === ( $known[ $line['id'] ][ $field ] ?? '' ) ) {
					$known[ $line['id'] ][ $field ] = $line[ $field ];
				}
			}
		}
		return $known;
	}

	/**
	 * RFC 3339 in UTC, or null.
	 *
	 * @param int|null $at Seconds since 1970.
	 * @return string|null
	 */
	public static function time( ?int $at ): ?string {
		return null === $at ? null : gmdate( 'Y-m-d\TH:i:s\Z', $at );
	}

	/**
	 * One line. What was first told of its product counts, as the SKU of the day of the sale decides what it pays.
	 *
	 * @param array $line    Facts.
	 * @param array $known   What was first told.
	 * @param array $coupons The order's coupons.
	 * @param array $given   What went back, by line id.
	 * @return array
	 */
	private static function line( array $line, array $known, array $coupons, array $given ): array {
		$id   = (string) $line['id'];
		$told = array( 'id' => $id );
		foreach ( array( 'kind', 'sku', 'product_id', 'variation_id', 'name' ) as $field ) {
			$first          = (string) ( $known[ $field ] ?? '' );
			$told[ $field ] = '' === $first || ( 'name' === $field && '' !== (string) $line['name'] ) ? self::id( $line[ $field ] ) : $first;
		}
		$told['kind']       = '' === $told['kind'] ? 'product' : $told['kind'];
		$told['categories'] = array_values( array_map( 'strval', $line['categories'] ) );
		$told['quantity']   = Decimal::text( $line['quantity'] );
		$told['subtotal']   = Decimal::text( $line['subtotal'] );
		$told['total']      = Decimal::text( $line['total'] );
		$told['tax']        = Decimal::text( $line['tax'] );
		$told['discounts']  = self::discounts( $told, $coupons );

		$told['refunded_quantity'] = Decimal::from_micro( $given[ $id ]['quantity'] ?? 0 );
		$told['refunded_total']    = Decimal::from_micro( $given[ $id ]['total'] ?? 0 );
		return $told;
	}

	/**
	 * The discount of a line by coupon. WooCommerce does not store which coupon took what: it is known only where
	 * there is one.
	 *
	 * @param array $line    The line with subtotal and total.
	 * @param array $coupons The order's coupons.
	 * @return array
	 */
	private static function discounts( array $line, array $coupons ): array {
		$taken = Decimal::micro( $line['subtotal'] ) - Decimal::micro( $line['total'] );
		if ( 1 !== count( $coupons ) || $taken <= 0 ) {
			return array();
		}
		return array(
			array(
				'code'   => (string) $coupons[0]['code'],
				'amount' => Decimal::from_micro( $taken ),
			),
		);
	}

	/**
	 * A fee or a way of shipping.
	 *
	 * @param array $charge {id, total, tax}.
	 * @return array
	 */
	private static function charge( array $charge ): array {
		return array(
			'id'    => (string) $charge['id'],
			'total' => Decimal::text( $charge['total'] ),
			'tax'   => Decimal::text( $charge['tax'] ),
		);
	}

	/**
	 * A coupon.
	 *
	 * @param array $coupon {code, discount, tax}.
	 * @return array
	 */
	private static function coupon( array $coupon ): array {
		return array(
			'code'     => (string) $coupon['code'],
			'discount' => Decimal::text( $coupon['discount'] ),
			'tax'      => Decimal::text( $coupon['tax'] ),
		);
	}

	/**
	 * Every refund there ever was, oldest first. One that exists is not deleted, whatever was said: a filter of
	 * another plugin may have kept it.
	 *
	 * @param array $live    {id, at, amount, author_id, lines, fees, shipping}; negative as stored.
	 * @param array $deleted {id, at}.
	 * @return array
	 */
	private static function refunds( array $live, array $deleted ): array {
		$told = array();
		foreach ( $deleted as $refund ) {
			$told[ (int) $refund['id'] ] = array(
				'id'      => (string) $refund['id'],
				'at'      => self::time( (int) $refund['at'] ),
				'deleted' => true,
			);
		}
		foreach ( $live as $refund ) {
			$told[ (int) $refund['id'] ] = array(
				'id'        => (string) $refund['id'],
				'at'        => self::time( $refund['at'] ),
				'amount'    => Decimal::magnitude( $refund['amount'] ),
				'author_id' => self::id( $refund['author_id'] ),
				'deleted'   => false,
				'lines'     => self::parts( $refund['lines'], true ),
				'fees'      => self::parts( $refund['fees'], false ),
				'shipping'  => self::parts( $refund['shipping'], false ),
			);
		}
		ksort( $told );
		return array_values( $told );
	}

	/**
	 * What a refund names. Rows of nothing are left out: the REST API leaves one for every line it does not refund.
	 *
	 * @param array $parts      {line_id, quantity, total, tax}; negative as stored.
	 * @param bool  $quantities Whether quantities are told.
	 * @return array
	 */
	private static function parts( array $parts, bool $quantities ): array {
		$told = array();
		foreach ( $parts as $part ) {
			$row = array( 'line_id' => (string) $part['line_id'] );
			if ( $quantities ) {
				$row['quantity'] = Decimal::magnitude( $part['quantity'] );
			}
			// A fee that lowered the order (a negative one) goes back as a positive amount in a refund: its sign is
			// turned like the others', never dropped.
			$row['total'] = Decimal::from_micro( -Decimal::micro( $part['total'] ) );
			$row['tax']   = Decimal::from_micro( -Decimal::micro( $part['tax'] ) );
			if ( '0' !== $row['total'] || '0' !== $row['tax'] || '0' !== ( $row['quantity'] ?? '0' ) ) {
				$told[] = $row;
			}
		}
		return $told;
	}

	/**
	 * What went back in all, in millionths, by line id.
	 *
	 * @param array $refunds As told.
	 * @return array
	 */
	private static function given_back( array $refunds ): array {
		$given = array();
		foreach ( $refunds as $refund ) {
			foreach ( $refund['lines'] ?? array() as $part ) {
				$id           = $part['line_id'];
				$given[ $id ] = array(
					'quantity' => ( $given[ $id ]['quantity'] ?? 0 ) + Decimal::micro( $part['quantity'] ),
					'total'    => ( $given[ $id ]['total'] ?? 0 ) + Decimal::micro( $part['total'] ),
				);
			}
		}
		return $given;
	}

	/**
	 * An id as text; none is "".
	 *
	 * @param mixed $id Number or text.
	 * @return string
	 */
	private static function id( $id ): string {
		return null === $id || 0 === $id || '0' === $id ? '' : (string) $id;
	}
}
