<?php
/**
 * Tests of Snapshot.
 *
 * @package Upline\WooCommerce
 */

use PHPUnit\Framework\TestCase;
use Upline\WooCommerce\Logic\Decimal;
use Upline\WooCommerce\Logic\Snapshot;

/**
 * The body of an order event.
 */
final class Snapshot_Test extends TestCase {

	/**
	 * An order with a coupon, a fee below zero, and shipping.
	 *
	 * @param array $change Members to replace.
	 * @return array
	 */
	private function order( array $change = array() ): array {
		return array_merge(
			array(
				'facts'           => array(
					'id'          => '20',
					'status'      => 'processing',
					'modified_at' => '2026-01-01T00:00:00Z',
					'history'     => array(),
				),
				'total'           => '71.21',
				'total_tax'       => 5.42,
				'lines'           => array(
					array(
						'id'           => 1,
						'kind'         => 'product',
						'sku'          => 'TEA-001',
						'product_id'   => 11,
						'variation_id' => 0,
						'name'         => 'Green tea',
						'categories'   => array( 'tea' ),
						'quantity'     => 2,
						'subtotal'     => '59.80',
						'total'        => '53.82',
						'tax'          => '4.93',
					),
				),
				'fees'            => array(
					array(
						'id'    => 9,
						'total' => '-0.50',
						'tax'   => '-0.04',
					),
				),
				'shipping'        => array(
					array(
						'id'    => 2,
						'total' => '5.99',
						'tax'   => '0.49',
					),
				),
				'coupons'         => array(
					array(
						'code'     => 'spring',
						'discount' => '5.98',
						'tax'      => '0',
					),
				),
				'refunds'         => array(),
				'deleted_refunds' => array(),
				'known'           => array(),
			),
			$change
		);
	}

	/**
	 * A refund of one line, negative as WooCommerce stores it.
	 *
	 * @param int    $id       Refund.
	 * @param string $amount   What was paid back.
	 * @param string $total    Of the line.
	 * @param int    $quantity Of the line.
	 * @return array
	 */
	private function refund( int $id, string $amount, string $total, int $quantity ): array {
		return array(
			'id'        => $id,
			'at'        => 1767225600,
			'amount'    => $amount,
			'author_id' => 1,
			'lines'     => array(
				array(
					'line_id'  => '1',
					'quantity' => $quantity,
					'total'    => $total,
					'tax'      => '-2.47',
				),
			),
			'fees'      => array(),
			'shipping'  => array(),
		);
	}

	/**
	 * The whole event, held against a file that people can read.
	 */
	public function test_golden(): void {
		$order = $this->order(
			array(
				'refunds'         => array( $this->refund( 22, '32.37', '-29.90', -1 ) ),
				'deleted_refunds' => array(
					array(
						'id' => 21,
						'at' => 1767222000,
					),
				),
			)
		);
		$shop  = array(
			'site'     => 'https://shop.example.com',
			'versions' => array( 'plugin' => '1.0.0' ),
			'store'    => array( 'currency' => 'USD' ),
		);
		$event = Snapshot::event( Snapshot::order( $order ), $shop, 'evt_1', 7, 'refund.created', 1767225600 );
		$text  = json_encode( $event, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES ) . "\n";
		if ( getenv( 'UPDATE_GOLDEN' ) ) {
			file_put_contents( __DIR__ . '/golden/event.json', $text );
		}
		$this->assertSame( (string) file_get_contents( __DIR__ . '/golden/event.json' ), $text );
	}

	/**
	 * What adds up in WooCommerce adds up here: lines + fees + shipping + tax = total.
	 */
	public function test_adds_up(): void {
		$told = Snapshot::order( $this->order( array( 'total' => '64.73' ) ) );
		$sum  = Decimal::micro( $told['total_tax'] );
		foreach ( array( 'lines', 'fees', 'shipping' ) as $list ) {
			foreach ( $told[ $list ] as $row ) {
				$sum += Decimal::micro( $row['total'] );
			}
		}
		$this->assertSame( $told['total'], Decimal::from_micro( $sum ) );
	}

	/**
	 * A refund that exists was not deleted, whatever a hook said before.
	 */
	public function test_refund_kept_by_a_filter(): void {
		$told = Snapshot::order(
			$this->order(
				array(
					'refunds'         => array( $this->refund( 21, '5', '-5', 0 ) ),
					'deleted_refunds' => array(
						array(
							'id' => 21,
							'at' => 1,
						),
					),
				)
			)
		);
		$this->assertCount( 1, $told['refunds'] );
		$this->assertFalse( $told['refunds'][0]['deleted'] );
		$this->assertSame( '0', $told['lines'][0]['refunded_quantity'] );
		$this->assertSame( '5', $told['lines'][0]['refunded_total'] );
	}

	/**
	 * Money back without a line names none; rows of nothing are left out.
	 */
	public function test_amount_only_refund(): void {
		$told = Snapshot::order( $this->order( array( 'refunds' => array( array_merge( $this->refund( 21, '10.00', '0', 0 ), array( 'lines' => array( array( 'line_id' => '1', 'quantity' => 0, 'total' => '0', 'tax' => '' ) ) ) ) ) ) ) );
		$this->assertSame( array(), $told['refunds'][0]['lines'] );
		$this->assertSame( '10', $told['refunds'][0]['amount'] );
		$this->assertSame( '0', $told['lines'][0]['refunded_total'] );
	}

	/**
	 * A product that is deleted later is told as it was; a SKU given later is told.
	 */
	public function test_deleted_product(): void {
		$first = Snapshot::order( $this->order() );
		$known = Snapshot::remember( array(), $first );
		$gone  = $this->order()['lines'][0];
		$gone  = array_merge( $gone, array( 'kind' => '', 'sku' => '', 'product_id' => 0, 'categories' => array() ) );
		$told  = Snapshot::order( $this->order( array( 'lines' => array( $gone ), 'known' => $known ) ) );
		$this->assertSame( array( 'product', 'TEA-001', '11' ), array( $told['lines'][0]['kind'], $told['lines'][0]['sku'], $told['lines'][0]['product_id'] ) );

		$renamed = array_merge( $this->order()['lines'][0], array( 'sku' => 'TEA-NEW', 'name' => 'Tea, green' ) );
		$told    = Snapshot::order( $this->order( array( 'lines' => array( $renamed ), 'known' => $known ) ) );
		$this->assertSame( 'TEA-001', $told['lines'][0]['sku'], 'the SKU of the day of the sale' );
		$this->assertSame( 'Tea, green', $told['lines'][0]['name'] );

		$bare  = array_merge( $this->order()['lines'][0], array( 'sku' => '' ) );
		$first = Snapshot::order( $this->order( array( 'lines' => array( $bare ) ) ) );
		$told  = Snapshot::order( $this->order( array( 'known' => Snapshot::remember( array(), $first ) ) ) );
		$this->assertSame( 'TEA-001', $told['lines'][0]['sku'], 'a line without a SKU may be given one, or it could never be mapped' );
	}

	/**
	 * The discount of a line is named by coupon only where there is one coupon.
	 */
	public function test_discounts(): void {
		$one = Snapshot::order( $this->order() );
		$this->assertSame( array( array( 'code' => 'spring', 'amount' => '5.98' ) ), $one['lines'][0]['discounts'] );
		$coupons   = $this->order()['coupons'];
		$coupons[] = array( 'code' => 'vip', 'discount' => '1', 'tax' => '0' );
		$two       = Snapshot::order( $this->order( array( 'coupons' => $coupons ) ) );
		$this->assertSame( array(), $two['lines'][0]['discounts'] );
	}

	/**
	 * The digest is moved by what pay depends on, and by nothing else.
	 */
	public function test_digest(): void {
		$base   = Snapshot::digest( Snapshot::order( $this->order() ) );
		$equal  = $this->order();
		$change = array( 'name' => 'Other', 'categories' => array( 'new' ) );

		$equal['lines'][0]            = array_merge( $equal['lines'][0], $change );
		$equal['facts']['modified_at'] = '2027-01-01T00:00:00Z';
		$equal['facts']['history']     = array( 'x' );
		$this->assertSame( $base, Snapshot::digest( Snapshot::order( $equal ) ) );

		$moved   = array();
		$moved[] = $this->order( array( 'total' => '71.22' ) );
		$moved[] = $this->order( array( 'refunds' => array( $this->refund( 21, '1', '-1', 0 ) ) ) );
		$moved[] = $this->order( array( 'deleted_refunds' => array( array( 'id' => 21, 'at' => 1 ) ) ) );
		$moved[] = $this->order( array( 'lines' => array() ) );
		$moved[] = $this->order( array( 'facts' => array_merge( $this->order()['facts'], array( 'status' => 'trash' ) ) ) );
		foreach ( $moved as $i => $order ) {
			$this->assertNotSame( $base, Snapshot::digest( Snapshot::order( $order ) ), "case $i" );
		}
	}

	/**
	 * A negative fee that goes back keeps its sign turned.
	 */
	public function test_fee_refund(): void {
		$refund = array_merge( $this->refund( 21, '4.50', '0', 0 ), array( 'fees' => array( array( 'line_id' => '9', 'total' => '0.50', 'tax' => '0.04' ) ) ) );
		$told   = Snapshot::order( $this->order( array( 'refunds' => array( $refund ) ) ) );
		$this->assertSame( array( array( 'line_id' => '9', 'total' => '-0.5', 'tax' => '-0.04' ) ), $told['refunds'][0]['fees'] );
	}

	/**
	 * Five hundred lines.
	 */
	public function test_large_order(): void {
		$lines = array();
		for ( $i = 1; $i <= 500; $i++ ) {
			$lines[] = array_merge( $this->order()['lines'][0], array( 'id' => $i ) );
		}
		$told = Snapshot::order( $this->order( array( 'lines' => $lines ) ) );
		$this->assertCount( 500, $told['lines'] );
		$this->assertLessThan( 1048576, strlen( (string) json_encode( $told ) ) );
	}

	/**
	 * Each event of a batch is told by its own bytes.
	 */
	public function test_batch(): void {
		$events = array( '{"event_id":"evt_1","total":"1.50"}', '{"event_id":"evt_2"}' );
		$body   = Snapshot::batch( 'https://shop.example.com/de', $events );
		$told   = json_decode( $body, true );
		$this->assertSame( 'order.batch', $told['type'] );
		$this->assertSame( 'https://shop.example.com/de', $told['site'] );
		$this->assertSame( array( 'evt_1', 'evt_2' ), array_column( $told['events'], 'event_id' ) );
		$this->assertStringContainsString( $events[0] . ',' . $events[1], $body );
	}

	/**
	 * What a real shop told of one order, from the checkout to the trash and back.
	 *
	 * @return array
	 */
	public function recorded(): array {
		$cases = array();
		foreach ( json_decode( (string) file_get_contents( __DIR__ . '/golden/recorded.json' ), true ) as $case ) {
			$cases[ $case['what'] ] = array( $case['event']['order'] );
		}
		return $cases;
	}

	/**
	 * Every recorded body adds up in exact millionths, names each part of a refund by a line that there is, and knows a
	 * person by numbers alone.
	 *
	 * @dataProvider recorded
	 * @param array $order As told.
	 */
	public function test_recorded( array $order ): void {
		$sum   = Decimal::micro( $order['total_tax'] );
		$lines = array();
		foreach ( array( 'lines', 'fees', 'shipping' ) as $list ) {
			foreach ( $order[ $list ] as $row ) {
				$sum               += Decimal::micro( $row['total'] );
				$lines[ $row['id'] ] = true;
			}
		}
		$this->assertSame( $order['total'], Decimal::from_micro( $sum ) );
		foreach ( $order['refunds'] as $refund ) {
			foreach ( array_merge( $refund['lines'] ?? array(), $refund['fees'] ?? array(), $refund['shipping'] ?? array() ) as $part ) {
				$this->assertArrayHasKey( $part['line_id'], $lines );
			}
		}
		$this->assertSame( array( 'id', 'guest', 'email_hash', 'country', 'region' ), array_keys( $order['customer'] ) );
		$this->assertStringNotContainsString( '@', (string) json_encode( $order ) );
		// What was told is remembered as it is, and telling it again is no change.
		$known = Snapshot::remember( array(), $order );
		$this->assertSame( array_column( $order['lines'], 'sku', 'id' ), array_combine( array_keys( $known ), array_column( $known, 'sku' ) ) );
		$again                = $order;
		$again['modified_at'] = '2030-01-01T00:00:00Z';
		$this->assertSame( Snapshot::digest( $order ), Snapshot::digest( $again ) );
	}
}
