<?php
/**
 * Orders as plain arrays.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Reference;
use Upline\WooCommerce\Logic\Snapshot;

defined( 'ABSPATH' ) || exit;

/**
 * Reads an order for Logic\Snapshot. No name, address, e-mail or note leaves this class. Amounts are read as they are
 * stored ("edit"): what other plugins make of them for a page (another currency, a price with tax) is no sale.
 */
final class Order_Reader {

	/**
	 * The order as it is in the database now, or null: not an order of the shop, or a draft.
	 *
	 * @param int $order_id Order.
	 * @return \WC_Order|null
	 */
	public static function find( int $order_id ): ?\WC_Order {
		// Another request may have changed it since it was read in this one.
		if ( class_exists( \Automattic\WooCommerce\Caches\OrderCache::class ) ) {
			wc_get_container()->get( \Automattic\WooCommerce\Caches\OrderCache::class )->remove( $order_id );
		}
		$order = wc_get_order( $order_id );
		return $order instanceof \WC_Order && self::is_told( $order ) ? $order : null;
	}

	/**
	 * Whether the server is told of this order: subscriptions are no orders, and drafts are carts.
	 *
	 * @param mixed $order What WooCommerce gave.
	 * @return bool
	 */
	public static function is_told( $order ): bool {
		return $order instanceof \WC_Order && 'shop_order' === $order->get_type()
			&& ! in_array( $order->get_status(), array( 'checkout-draft', 'auto-draft', 'new' ), true );
	}

	/**
	 * The order as told to the server.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $told    What was told before, from Told::row().
	 * @param bool      $deleted Whether it is being deleted for good.
	 * @return array
	 */
	public static function read( \WC_Order $order, array $told, bool $deleted = false ): array {
		return Snapshot::order(
			array(
				'facts'           => self::facts( $order, $told, $deleted ),
				'total'           => $order->get_total( 'edit' ),
				'total_tax'       => $order->get_total_tax( 'edit' ),
				'lines'           => array_values( array_map( array( self::class, 'line' ), $order->get_items( 'line_item' ) ) ),
				'fees'            => self::charges( $order, 'fee' ),
				'shipping'        => self::charges( $order, 'shipping' ),
				'coupons'         => array_values( array_map( array( self::class, 'coupon' ), $order->get_items( 'coupon' ) ) ),
				'refunds'         => self::refunds( $order ),
				'deleted_refunds' => $told['deleted_refunds'],
				'known'           => $told['known'],
			)
		);
	}

	/**
	 * What the shop is: needed to read an order.
	 *
	 * @return array {site, versions, store}.
	 */
	public static function shop(): array {
		return array(
			'site'     => Connection::here(),
			'versions' => self::versions(),
			'store'    => array(
				'currency'           => get_woocommerce_currency(),
				'decimals'           => wc_get_price_decimals(),
				'prices_include_tax' => wc_prices_include_tax(),
				'tax_rounding'       => 'yes' === get_option( 'woocommerce_tax_round_at_subtotal' ) ? 'subtotal' : 'line',
				'time_zone'          => self::time_zone(),
			),
		);
	}

	/**
	 * The shop's time zone; a shop that never chose one is in UTC.
	 */
	public static function time_zone(): string {
		$zone = wp_timezone_string();
		return '+00:00' === $zone ? 'UTC' : $zone;
	}

	/**
	 * What runs here.
	 *
	 * @return array
	 */
	public static function versions(): array {
		return array(
			'plugin'    => VERSION,
			'platform'  => defined( 'WC_VERSION' ) ? WC_VERSION : '',
			'host'      => get_bloginfo( 'version' ),
			'php'       => PHP_VERSION,
			'scheduler' => class_exists( 'ActionScheduler_Versions' ) ? (string) \ActionScheduler_Versions::instance()->latest_version() : '',
			'storage'   => class_exists( \Automattic\WooCommerce\Utilities\OrderUtil::class ) && \Automattic\WooCommerce\Utilities\OrderUtil::custom_orders_table_usage_is_enabled() ? 'hpos' : 'posts',
		);
	}

	/**
	 * Everything that is not an amount.
	 *
	 * @param \WC_Order $order   The order.
	 * @param array     $told    What was told before.
	 * @param bool      $deleted Whether it is being deleted for good.
	 * @return array
	 */
	private static function facts( \WC_Order $order, array $told, bool $deleted ): array {
		$status  = $order->get_status();
		$renewal = (string) $order->get_meta( '_subscription_renewal' );
		return array(
			'id'              => (string) $order->get_id(),
			'number'          => (string) $order->get_order_number(),
			'currency'        => $order->get_currency( 'edit' ),
			'status'          => $status,
			'paid'            => in_array( $status, wc_get_is_paid_statuses(), true ),
			'trashed'         => 'trash' === $status,
			'deleted'         => $deleted,
			'test'            => self::is_test( $order ),
			'created_at'      => self::time( $order->get_date_created() ),
			'paid_at'         => self::time( $order->get_date_paid() ),
			'modified_at'     => self::time( $order->get_date_modified() ),
			'created_via'     => (string) $order->get_created_via(),
			'history'         => $told['history'],
			'customer'        => self::customer( $order ),
			'parent_id'       => $order->get_parent_id() ? (string) $order->get_parent_id() : '',
			'subscription_id' => $renewal,
			'renewal'         => '' !== $renewal,
			'attribution'     => self::attribution( $order ),
		);
	}

	/**
	 * A test payment, where the gateway says so.
	 *
	 * @param \WC_Order $order The order.
	 * @return bool
	 */
	private static function is_test( \WC_Order $order ): bool {
		$test = 'test' === $order->get_meta( '_wcpay_mode' ) || 'sandbox' === $order->get_meta( '_ppcp_paypal_payment_mode' );
		/**
		 * Filters whether an order was paid in a gateway's test mode, and so earns nothing.
		 *
		 * @since 1.0.0
		 * @param bool      $test  What the plugin knows.
		 * @param \WC_Order $order The order.
		 */
		return (bool) apply_filters( 'upline_order_is_test', $test, $order );
	}

	/**
	 * The buyer, without who it is.
	 *
	 * @param \WC_Order $order The order.
	 * @return array
	 */
	private static function customer( \WC_Order $order ): array {
		$id = (int) $order->get_customer_id();
		return array(
			'id'         => $id ? (string) $id : '',
			'guest'      => 0 === $id,
			'email_hash' => self::email_hash( (string) $order->get_billing_email() ),
			'country'    => (string) ( $order->get_shipping_country() ? $order->get_shipping_country() : $order->get_billing_country() ),
			'region'     => (string) ( $order->get_shipping_country() ? $order->get_shipping_state() : $order->get_billing_state() ),
		);
	}

	/**
	 * The e-mail as the server may know it: keyed, so that nobody without the key can try addresses.
	 *
	 * @param string $email E-mail.
	 * @return string
	 */
	public static function email_hash( string $email ): string {
		$email = strtolower( trim( $email ) );
		$key   = Connection::get( 'identity_key' );
		return '' === $email || '' === $key ? '' : hash_hmac( 'sha256', $email, $key );
	}

	/**
	 * All that says whose sale it is; the server decides what counts.
	 *
	 * @param \WC_Order $order The order.
	 * @return array
	 */
	private static function attribution( \WC_Order $order ): array {
		$parameter = Attribution::parameter();
		$told      = array(
			'manual' => (string) $order->get_meta( Attribution::META_MANUAL ),
			'field'  => (string) $order->get_meta( Attribution::META_FIELD ),
		);
		$touches   = json_decode( (string) $order->get_meta( Attribution::META_TOUCHES ), true );
		foreach ( is_array( $touches ) ? $touches : array() as $name => $touch ) {
			if ( in_array( $name, array( 'first', 'last' ), true ) && isset( $touch['ref'], $touch['at'], $touch['url'] ) ) {
				$told[ $name ] = Reference::told( $touch, $parameter );
			}
		}
		$core  = array();
		$entry = (string) $order->get_meta( '_wc_order_attribution_session_entry' );
		$ref   = Reference::in_url( $entry, $parameter );
		foreach ( array( 'source_type', 'utm_source', 'utm_medium', 'utm_campaign' ) as $name ) {
			$core[ $name ] = substr( (string) $order->get_meta( '_wc_order_attribution_' . $name ), 0, 200 );
		}
		$core['referrer_host'] = (string) wp_parse_url( (string) $order->get_meta( '_wc_order_attribution_referrer' ), PHP_URL_HOST );
		$core['session_entry'] = '' === $ref ? '' : (string) wp_parse_url( $entry, PHP_URL_PATH ) . '?' . $parameter . '=' . rawurlencode( $ref );
		if ( array_filter( $core ) ) {
			$told['core'] = $core;
		}
		return $told;
	}

	/**
	 * One line.
	 *
	 * @param \WC_Order_Item_Product $item Line.
	 * @return array
	 */
	private static function line( $item ): array {
		$product = $item->get_product();
		$product = $product instanceof \WC_Product ? $product : null;
		return array(
			'id'           => $item->get_id(),
			'kind'         => self::kind( $item, $product ),
			'sku'          => $product ? (string) $product->get_sku() : '',
			'product_id'   => $product ? $item->get_product_id() : 0,
			'variation_id' => $product ? $item->get_variation_id() : 0,
			'name'         => $item->get_name(),
			'categories'   => $product ? self::categories( $item->get_product_id() ) : array(),
			'quantity'     => $item->get_quantity( 'edit' ),
			'subtotal'     => $item->get_subtotal( 'edit' ),
			'total'        => $item->get_total( 'edit' ),
			'tax'          => $item->get_total_tax( 'edit' ),
		);
	}

	/**
	 * What a line sells. Gift cards bought and tips earn nothing.
	 *
	 * @param \WC_Order_Item_Product $item    Line.
	 * @param \WC_Product|null       $product Its product, where it still exists.
	 * @return string '' where the product is gone and the first value counts.
	 */
	private static function kind( $item, ?\WC_Product $product ): string {
		$kind = $product ? 'product' : '';
		if ( $product && ( in_array( $product->get_type(), array( 'gift-card', 'gift_card', 'pw-gift-card' ), true ) || 'yes' === $product->get_meta( '_gift_card' ) ) ) {
			$kind = 'gift_card';
		}
		/**
		 * Filters what a line sells: product, gift_card or tip.
		 *
		 * @since 1.0.0
		 * @param string                 $kind What the plugin knows.
		 * @param \WC_Order_Item_Product $item The line.
		 */
		$kind = (string) apply_filters( 'upline_line_kind', $kind, $item );
		return in_array( $kind, array( 'product', 'gift_card', 'tip' ), true ) ? $kind : '';
	}

	/**
	 * Slugs of a product's categories.
	 *
	 * @param int $product_id Product.
	 * @return string[]
	 */
	private static function categories( int $product_id ): array {
		$terms = get_the_terms( $product_id, 'product_cat' );
		$slugs = is_array( $terms ) ? wp_list_pluck( $terms, 'slug' ) : array();
		sort( $slugs );
		return $slugs;
	}

	/**
	 * Fees or ways of shipping.
	 *
	 * @param \WC_Abstract_Order $order Order or refund.
	 * @param string             $type  fee or shipping.
	 * @return array
	 */
	private static function charges( $order, string $type ): array {
		$charges = array();
		foreach ( $order->get_items( $type ) as $item ) {
			$of        = (string) $item->get_meta( '_refunded_item_id' );
			$charges[] = array(
				'id'      => $item->get_id(),
				'line_id' => $of,
				'total'   => $item->get_total( 'edit' ),
				'tax'     => $item->get_total_tax( 'edit' ),
			);
		}
		return $charges;
	}

	/**
	 * A coupon.
	 *
	 * @param \WC_Order_Item_Coupon $item Coupon.
	 * @return array
	 */
	private static function coupon( $item ): array {
		return array(
			'code'     => $item->get_code(),
			'discount' => $item->get_discount( 'edit' ),
			'tax'      => $item->get_discount_tax( 'edit' ),
		);
	}

	/**
	 * The refunds that exist, straight from the database: the order's own list may be cached.
	 *
	 * @param \WC_Order $order The order.
	 * @return array
	 */
	private static function refunds( \WC_Order $order ): array {
		$found   = wc_get_orders(
			array(
				'type'   => 'shop_order_refund',
				'parent' => $order->get_id(),
				'limit'  => -1,
			)
		);
		$refunds = array();
		foreach ( $found as $refund ) {
			$lines = array();
			foreach ( $refund->get_items( 'line_item' ) as $item ) {
				$lines[] = array(
					'line_id'  => (string) $item->get_meta( '_refunded_item_id' ),
					'quantity' => $item->get_quantity( 'edit' ),
					'total'    => $item->get_total( 'edit' ),
					'tax'      => $item->get_total_tax( 'edit' ),
				);
			}
			$created   = $refund->get_date_created();
			$refunds[] = array(
				'id'        => $refund->get_id(),
				'at'        => $created ? $created->getTimestamp() : null,
				'amount'    => $refund->get_amount( 'edit' ),
				'author_id' => $refund->get_refunded_by(),
				'lines'     => $lines,
				'fees'      => self::charges( $refund, 'fee' ),
				'shipping'  => self::charges( $refund, 'shipping' ),
			);
		}
		return $refunds;
	}

	/**
	 * A date of WooCommerce's as text.
	 *
	 * @param \WC_DateTime|null $date Date.
	 * @return string|null
	 */
	private static function time( $date ): ?string {
		return $date ? Snapshot::time( $date->getTimestamp() ) : null;
	}
}
