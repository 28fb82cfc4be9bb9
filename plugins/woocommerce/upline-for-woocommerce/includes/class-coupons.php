<?php
/**
 * Coupons of distributors.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Makes a coupon for every active code that Upline names. A code that ends is set to expired, never trashed, and a
 * coupon that somebody else made under the same code is left alone.
 */
final class Coupons {

	/**
	 * Meta of the coupons we made: the distributor.
	 */
	const META = '_upline_distributor_id';

	/**
	 * The hourly run.
	 */
	public static function run(): void {
		if ( '' === Connection::hindrance() ) {
			self::sync();
		}
	}

	/**
	 * Brings the shop's coupons up to date.
	 *
	 * @return array {made, ended, error}.
	 */
	public static function sync(): array {
		$done    = array(
			'made'  => 0,
			'ended' => 0,
			'error' => '',
		);
		$percent = min( 100, (int) get_option( 'upline_coupon_percent', 0 ) );
		if ( $percent <= 0 ) {
			return $done;
		}
		$cursor = '';
		for ( $page = 0; $page < 1000; $page++ ) {
			$answer = Client::call(
				'coupons',
				array(
					'cursor' => $cursor,
					'limit'  => 200,
				),
				10.0
			);
			if ( 200 !== $answer['status'] ) {
				$done['error'] = Connect::reason( $answer );
				return $done;
			}
			foreach ( (array) ( $answer['data']['data'] ?? array() ) as $told ) {
				try {
					$change = is_array( $told ) ? self::bring( $told, $percent ) : '';
				} catch ( \Throwable $fault ) {
					// One that the shop does not take must not keep the others from being made.
					$change        = '';
					$done['error'] = $fault->getMessage();
				}
				if ( '' !== $change ) {
					++$done[ $change ];
				}
			}
			$cursor = (string) ( $answer['data']['next_cursor'] ?? '' );
			if ( '' === $cursor ) {
				break;
			}
		}
		return $done;
	}

	/**
	 * Brings one coupon up to date.
	 *
	 * @param array $told    {code, distributor_id, active}.
	 * @param int   $percent Discount.
	 * @return string made, ended or ''.
	 */
	private static function bring( array $told, int $percent ): string {
		$code = wc_format_coupon_code( Logic\Reference::clean( $told['code'] ?? '' ) );
		if ( '' === $code ) {
			return '';
		}
		$id     = wc_get_coupon_id_by_code( $code );
		$active = ! empty( $told['active'] );
		if ( ! $id && ! $active ) {
			return '';
		}
		$coupon = new \WC_Coupon( $id );
		if ( $id && '' === (string) $coupon->get_meta( self::META ) ) {
			return '';
		}
		$ended = $id && null !== $coupon->get_date_expires() && $coupon->get_date_expires()->getTimestamp() <= time();
		if ( $id && $active !== $ended ) {
			return '';
		}
		if ( ! $id ) {
			$coupon->set_code( $code );
			$coupon->set_discount_type( 'percent' );
			$coupon->set_amount( $percent );
		}
		$coupon->set_date_expires( $active ? null : time() - 1 );
		$coupon->update_meta_data( self::META, (string) ( $told['distributor_id'] ?? '' ) );
		$coupon->save();
		return $active ? 'made' : 'ended';
	}
}
