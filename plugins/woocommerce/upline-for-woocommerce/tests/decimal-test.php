<?php
/**
 * Tests of Decimal.
 *
 * @package Upline\WooCommerce
 */

use PHPUnit\Framework\TestCase;
use Upline\WooCommerce\Logic\Decimal;

/**
 * Amounts as decimal text.
 */
final class Decimal_Test extends TestCase {

	/**
	 * What WooCommerce hands out, and how it is told.
	 *
	 * @return array
	 */
	public function amounts(): array {
		return array(
			'two decimals'              => array( '59.80', '59.8' ),
			'whole'                     => array( '3247', '3247' ),
			'yen with the shop decimals' => array( '3247.50', '3247.5' ),
			'dinar'                     => array( '12.345', '12.345' ),
			'six decimals'              => array( '24.860743', '24.860743' ),
			'seventh rounds up'         => array( '24.8607435', '24.860744' ),
			'seventh rounds away'       => array( '-24.8607435', '-24.860744' ),
			'seventh rounds down'       => array( '24.86074349', '24.860743' ),
			'carry'                     => array( '0.9999999', '1' ),
			'float'                     => array( 12.340000000000002, '12.34' ),
			'float of a third'          => array( 1 / 3, '0.333333' ),
			'integer'                   => array( 7, '7' ),
			'exponent'                  => array( '1.0E-5', '0.00001' ),
			'negative'                  => array( '-0.50', '-0.5' ),
			'negative nothing'          => array( '-0.00', '0' ),
			'no leading digit'          => array( '.5', '0.5' ),
			'no decimals after point'   => array( '5.', '5' ),
			'plus'                      => array( '+5', '5' ),
			'blank'                     => array( ' 5.10 ', '5.1' ),
			'empty'                     => array( '', '0' ),
			'null'                      => array( null, '0' ),
			'words'                     => array( 'abc', '0' ),
			'comma'                     => array( '1,50', '0' ),
			'infinite'                  => array( INF, '0' ),
			'large'                     => array( '999999999999.999999', '999999999999.999999' ),
			'too large'                 => array( '1000000000000', '0' ),
			'array'                     => array( array( 1 ), '0' ),
		);
	}

	/**
	 * Text in, text out.
	 *
	 * @dataProvider amounts
	 * @param mixed  $given What WooCommerce hands out.
	 * @param string $told  How it is told.
	 */
	public function test_text( $given, string $told ): void {
		$this->assertSame( $told, Decimal::text( $given ) );
	}

	/**
	 * Any number of millionths survives the way over text.
	 */
	public function test_round_trip(): void {
		mt_srand( 20261127 );
		for ( $i = 0; $i < 2000; $i++ ) {
			$micro = mt_rand( -2000000000, 2000000000 ) * mt_rand( 1, 1000 );
			$this->assertSame( $micro, Decimal::micro( Decimal::from_micro( $micro ) ) );
		}
	}

	/**
	 * Refunds are stored negative and told positive.
	 */
	public function test_magnitude(): void {
		$this->assertSame( '29.9', Decimal::magnitude( '-29.90' ) );
		$this->assertSame( '29.9', Decimal::magnitude( 29.9 ) );
	}
}
