<?php
/**
 * Orders and refunds, kept as posts with one meta of JSON. They fire what WooCommerce fires where orders are posts.
 *
 * @package Upline\WooCommerce\Store
 */

defined( 'ABSPATH' ) || exit;

/** A date as WooCommerce gives it. */
class WC_DateTime extends DateTime {}

/** A product: name, price, SKU. */
class WC_Product {
	/** @var array */
	public $data;
	public function __construct( array $data ) { $this->data = $data; }
	public function get_id() { return $this->data['id']; }
	public function get_sku() { return $this->data['sku']; }
	public function get_name() { return $this->data['name']; }
	public function get_type() { return $this->data['type'] ?? 'simple'; }
	public function get_meta( $key ) { return $this->data['meta'][ $key ] ?? ''; }
}

/** One item of an order or refund. */
class WC_Order_Item {
	/** @var array */
	public $data;
	public function __construct( array $data ) { $this->data = $data; }
	public function get_id() { return $this->data['id']; }
	public function get_name() { return $this->data['name'] ?? ''; }
	public function get_quantity() { return $this->data['quantity'] ?? 1; }
	public function get_subtotal() { return $this->data['subtotal'] ?? $this->data['total']; }
	public function get_total() { return $this->data['total']; }
	public function get_total_tax() { return $this->data['tax'] ?? '0'; }
	public function get_product_id() { return $this->data['product_id'] ?? 0; }
	public function get_variation_id() { return 0; }
	public function get_product() { return upline_store_products()[ $this->data['product_id'] ?? 0 ] ?? false; }
	public function get_meta( $key ) { return $this->data['meta'][ $key ] ?? ''; }
	public function get_code() { return $this->data['name']; }
	public function get_discount() { return $this->data['total']; }
	public function get_discount_tax() { return $this->data['tax'] ?? '0'; }
}
class WC_Order_Item_Product extends WC_Order_Item {}
class WC_Order_Item_Coupon extends WC_Order_Item {}

/** What orders and refunds have in common. */
abstract class WC_Abstract_Order {
	const FORMAT = 'Y-m-d H:i:s';
	/** @var int */
	protected $id = 0;
	/** @var array */
	public $data = array( 'status' => 'pending', 'items' => array(), 'meta' => array(), 'total' => '0', 'total_tax' => '0', 'currency' => 'EUR' );
	/** @var string */
	private $was = '';

	public function __construct( int $id = 0 ) {
		if ( $id ) {
			$this->id   = $id;
			$this->data = array_merge( $this->data, (array) json_decode( (string) get_post_meta( $id, '_upline_store_order', true ), true ) );
			$status     = (string) get_post_status( $id );

			$this->data['status'] = 0 === strpos( $status, 'wc-' ) ? substr( $status, 3 ) : $status;
			$this->was            = $this->data['status'];
		}
	}
	abstract public function get_type();
	public function get_id() { return $this->id; }
	public function get_status() { return $this->data['status']; }
	public function get_parent_id() { return (int) ( $this->data['parent_id'] ?? 0 ); }
	public function get_total( $context = 'view' ) { return $this->data['total']; }
	public function get_total_tax( $context = 'view' ) { return $this->data['total_tax']; }
	public function get_currency( $context = 'view' ) { return $this->data['currency']; }
	public function get_date_created() { return $this->date( 'post_date_gmt' ); }
	public function get_date_modified() { return $this->date( 'post_modified_gmt' ); }
	public function get_meta( $key ) { return $this->data['meta'][ $key ] ?? ''; }
	public function update_meta_data( $key, $value ) { $this->data['meta'][ $key ] = $value; }
	public function delete_meta_data( $key ) { unset( $this->data['meta'][ $key ] ); }
	public function save_meta_data() { $this->write(); }
	public function get_items( $type = 'line_item' ) {
		$class = array( 'line_item' => 'WC_Order_Item_Product', 'coupon' => 'WC_Order_Item_Coupon' )[ $type ] ?? 'WC_Order_Item';
		$items = array();
		foreach ( $this->data['items'] as $item ) {
			if ( $item['type'] === $type ) {
				$items[ $item['id'] ] = new $class( $item );
			}
		}
		return $items;
	}
	public function add_item( array $item ) {
		$ids             = (int) get_option( 'upline_store_items', 0 ) + 1;
		$item['id']      = $ids;
		update_option( 'upline_store_items', $ids, false );
		$this->data['items'][] = $item;
		return $ids;
	}
	public function set_status( $status ) { $this->data['status'] = $status; }
	public function save() {
		$new  = 0 === $this->id;
		$post = array(
			'post_type'   => $this->get_type(),
			'post_status' => ( 'trash' === $this->data['status'] ? '' : 'wc-' ) . $this->data['status'],
			'post_title'  => 'Order',
			'post_parent' => $this->get_parent_id(),
		);
		if ( $new ) {
			$this->id = wp_insert_post( $post );
		} else {
			wp_update_post( array( 'ID' => $this->id ) + $post );
		}
		$this->write();
		$this->tell( $new, $this->was );
		$this->was = $this->data['status'];
		return $this->id;
	}
	abstract protected function tell( bool $is_new, string $was );
	private function write() { update_post_meta( $this->id, '_upline_store_order', wp_slash( (string) wp_json_encode( $this->data ) ) ); }
	private function date( string $field ) {
		$at = $this->id ? get_post_field( $field, $this->id ) : '';
		return $at ? new WC_DateTime( $at, new DateTimeZone( 'UTC' ) ) : null;
	}
}

/** An order. */
class WC_Order extends WC_Abstract_Order {
	public function get_type() { return 'shop_order'; }
	public function get_order_number() { return (string) $this->id; }
	public function get_created_via() { return 'checkout'; }
	public function get_date_paid() { return isset( $this->data['paid_at'] ) ? new WC_DateTime( $this->data['paid_at'] ) : null; }
	public function get_customer_id() { return (int) ( $this->data['customer_id'] ?? 0 ); }
	public function get_billing_email() { return $this->data['email'] ?? ''; }
	public function get_billing_country() { return 'DE'; }
	public function get_billing_state() { return ''; }
	public function get_shipping_country() { return ''; }
	public function get_shipping_state() { return ''; }
	public function get_edit_order_url() { return admin_url( 'admin.php?page=wc-orders&action=edit&id=' . $this->id ); }
	public function add_order_note( $note ) { return wp_insert_comment( array( 'comment_post_ID' => $this->id, 'comment_content' => $note, 'comment_type' => 'order_note' ) ); }
	public function update_status( $status ) { $this->set_status( $status ); return $this->save(); }
	public function untrash() {
		$was = (string) get_post_meta( $this->id, '_wp_trash_meta_status', true );
		wp_untrash_post( $this->id );
		wp_update_post( array( 'ID' => $this->id, 'post_status' => $was ) );
		do_action( 'woocommerce_untrash_order', $this->id, $was );
	}
	public function delete( $force = false ) {
		if ( ! $force ) {
			wp_trash_post( $this->id );
			do_action( 'woocommerce_trash_order', $this->id );
			return;
		}
		do_action( 'woocommerce_before_delete_order', $this->id, $this );
		wp_delete_post( $this->id, true );
	}
	/** Sums up from the items. */
	public function calculate_totals() {
		$net = 0;
		$tax = 0;
		foreach ( $this->data['items'] as $item ) {
			if ( 'coupon' !== $item['type'] ) {
				$net += upline_store_cents( $item['total'] );
				$tax += upline_store_cents( $item['tax'] );
			}
		}
		$this->data['total_tax'] = upline_store_money( $tax );
		$this->data['total']     = upline_store_money( $net + $tax );
	}
	protected function tell( bool $is_new, string $was ) {
		if ( $is_new ) {
			do_action( 'woocommerce_new_order', $this->id, $this );
		} else {
			do_action( 'woocommerce_update_order', $this->id, $this );
		}
		if ( $was !== $this->data['status'] && '' !== $was ) {
			do_action( 'woocommerce_order_status_changed', $this->id, $was, $this->data['status'], $this );
		}
		do_action( 'woocommerce_after_order_object_save', $this );
	}
}

/** A refund. */
class WC_Order_Refund extends WC_Abstract_Order {
	public function get_type() { return 'shop_order_refund'; }
	public function get_amount() { return $this->data['amount']; }
	public function get_refunded_by() { return get_current_user_id(); }
	protected function tell( bool $is_new, string $was ) {
		do_action( 'woocommerce_after_order_refund_object_save', $this );
		if ( $is_new ) {
			do_action( 'woocommerce_refund_created', $this->id, array() );
			do_action( 'woocommerce_order_refunded', $this->get_parent_id(), $this->id );
		}
	}
	public function delete() {
		if ( null === apply_filters( 'woocommerce_pre_delete_order_refund', null, $this, true ) ) {
			wp_delete_post( $this->id, true );
		}
	}
}

/** Money as whole cents, and back. */
function upline_store_cents( string $text ): int {
	list( $whole, $part ) = array_pad( explode( '.', ltrim( $text, '-' ) ), 2, '' );
	return ( '-' === $text[0] ? -1 : 1 ) * ( 100 * (int) $whole + (int) substr( $part . '00', 0, 2 ) );
}
function upline_store_money( int $cents ): string {
	return sprintf( '%s%d.%02d', $cents < 0 ? '-' : '', intdiv( abs( $cents ), 100 ), abs( $cents ) % 100 );
}

function wc_get_order( $order = 0 ) {
	$id = $order instanceof WP_Post ? $order->ID : ( $order instanceof WC_Abstract_Order ? $order->get_id() : (int) $order );
	switch ( get_post_type( $id ) ) {
		case 'shop_order':
			return new WC_Order( $id );
		case 'shop_order_refund':
			return new WC_Order_Refund( $id );
	}
	return false;
}
function wc_get_orders( array $query ) {
	$found = get_posts( array( 'post_type' => $query['type'] ?? 'shop_order', 'post_parent' => $query['parent'] ?? '', 'post_status' => $query['status'] ?? 'any', 'numberposts' => -1, 'orderby' => 'ID', 'order' => 'ASC' ) );
	$found = array_map( 'wc_get_order', $found );
	if ( isset( $query['customer'] ) ) {
		$found = array_filter( $found, static function ( $order ) use ( $query ) { return in_array( $order->get_billing_email(), $query['customer'], true ) || ( $order->get_customer_id() && in_array( $order->get_customer_id(), $query['customer'], true ) ); } );
	}
	$limit = $query['limit'] ?? 20;
	return $limit < 0 ? array_values( $found ) : array_slice( $found, ( ( $query['paged'] ?? 1 ) - 1 ) * $limit, $limit );
}
function wc_get_order_statuses() { return array_fill_keys( array( 'wc-pending', 'wc-processing', 'wc-on-hold', 'wc-completed', 'wc-cancelled', 'wc-refunded', 'wc-failed' ), '' ); }
function wc_get_is_paid_statuses() { return apply_filters( 'woocommerce_order_is_paid_statuses', array( 'processing', 'completed' ) ); }
function wc_get_order_id_by_order_item_id( $item_id ) { return 0; }

add_action(
	'init',
	static function () {
		foreach ( array( 'shop_order', 'shop_order_refund' ) as $type ) {
			register_post_type( $type, array( 'public' => false ) );
		}
		foreach ( array( 'pending', 'processing', 'on-hold', 'completed', 'cancelled', 'refunded', 'failed' ) as $status ) {
			register_post_status( 'wc-' . $status, array( 'public' => false, 'exclude_from_search' => false ) );
		}
	},
	1
);

/** WooCommerce's eraser where the shop is set to take personal data out of orders: nobody finds them by it afterwards. */
add_filter(
	'wp_privacy_personal_data_erasers',
	static function ( $all ) {
		$all['woocommerce-customer-orders'] = array(
			'eraser_friendly_name' => 'Orders',
			'callback'             => static function ( $email ) {
				foreach ( wc_get_orders( array( 'customer' => array( $email ), 'limit' => -1 ) ) as $order ) {
					$order->data['email']       = 'deleted@site.invalid';
					$order->data['customer_id'] = 0;
					$order->save();
				}
				return array( 'items_removed' => true, 'items_retained' => false, 'messages' => array(), 'done' => true );
			},
		);
		return $all;
	}
);
