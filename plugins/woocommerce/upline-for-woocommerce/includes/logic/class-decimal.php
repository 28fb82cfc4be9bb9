<?php
/**
 * Amounts as decimal text.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce\Logic;

defined( 'ABSPATH' ) || exit;

/**
 * Writes amounts the way the server reads them: plain decimals of at most six places, never exponents.
 *
 * WooCommerce keeps six places (wc_get_rounding_precision) and hands amounts out as strings or floats. They are not
 * rounded to the currency here: the server rounds once.
 */
final class Decimal {

	const PLACES = 6;

	/**
	 * The amount as text, for example "24.860743". Null, "" and what is no number become "0".
	 *
	 * @param mixed $value What WooCommerce returned.
	 * @return string
	 */
	public static function text( $value ): string {
		return self::from_micro( self::micro( $value ) );
	}

	/**
	 * The amount in millionths, halves rounded away from zero.
	 *
	 * @param mixed $value What WooCommerce returned.
	 * @return int
	 */
	public static function micro( $value ): int {
		if ( is_int( $value ) ) {
			return $value * 1000000;
		}
		if ( is_float( $value ) ) {
			$value = is_finite( $value ) ? sprintf( '%.6F', $value ) : '0';
		}
		$text = is_string( $value ) ? trim( $value ) : '';
		if ( 1 === preg_match( '/^[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d{1,3}$/', $text ) ) {
			$text = sprintf( '%.6F', (float) $text );
		}
		if ( 1 !== preg_match( '/^([+-]?)(\d*)(?:\.(\d*))?$/', $text, $part ) || strlen( $part[2] ) > 12 ) {
			return 0;
		}
		$fraction = str_pad( $part[3] ?? '', self::PLACES + 1, '0' );
		$micro    = (int) $part[2] * 1000000 + (int) substr( $fraction, 0, self::PLACES );
		if ( $fraction[ self::PLACES ] >= '5' ) {
			++$micro;
		}
		return '-' === $part[1] ? -$micro : $micro;
	}

	/**
	 * Millionths as text without needless zeros.
	 *
	 * @param int $micro Millionths.
	 * @return string
	 */
	public static function from_micro( int $micro ): string {
		$digits   = str_pad( (string) abs( $micro ), self::PLACES + 1, '0', STR_PAD_LEFT );
		$fraction = rtrim( substr( $digits, -self::PLACES ), '0' );
		$text     = substr( $digits, 0, -self::PLACES ) . ( '' === $fraction ? '' : '.' . $fraction );
		return $micro < 0 ? '-' . $text : $text;
	}

	/**
	 * The amount without its sign: WooCommerce stores what was refunded as negative.
	 *
	 * @param mixed $value What WooCommerce returned.
	 * @return string
	 */
	public static function magnitude( $value ): string {
		return self::from_micro( abs( self::micro( $value ) ) );
	}
}
