<?php
/**
 * The storefront: two products, a classic checkout that is one form, and a route by which the tests act on orders. Each
 * act is a request of its own, as in a shop.
 *
 * @package Upline\WooCommerce\Store
 */

defined( 'ABSPATH' ) || exit;

function upline_store_products(): array {
	static $products;
	if ( ! $products ) {
		$products = array(
			11 => new WC_Product( array( 'id' => 11, 'sku' => 'TEA-12', 'name' => 'Green tea', 'price' => '29.90' ) ),
			12 => new WC_Product( array( 'id' => 12, 'sku' => 'SERUM-30', 'name' => 'Serum', 'price' => '49.90' ) ),
		);
	}
	return $products;
}
function get_woocommerce_currency() { return 'EUR'; }
function get_woocommerce_currency_symbol( $currency = '' ) { return '€'; }
function get_woocommerce_price_format() { return '%1$s%2$s'; }
function wc_get_price_decimals() { return 2; }
function wc_get_price_decimal_separator() { return '.'; }
function wc_get_price_thousand_separator() { return ','; }
function wc_prices_include_tax() { return false; }
function wc_get_page_screen_id( $for ) { return 'woocommerce_page_wc-orders'; }
function wc_format_coupon_code( $code ) { return strtolower( $code ); }
function wc_get_template( $name, $args, $path, $default ) {
	extract( $args ); // phpcs:ignore
	require $default . $name;
}
function wc_get_account_endpoint_url( $endpoint ) { return home_url( '/?account=' . $endpoint ); }

/** Limits how often something may be done. */
final class WC_Rate_Limiter {
	public static function retried_too_soon( $id ) { return (bool) get_transient( 'limit_' . $id ); }
	public static function set_rate_limit( $id, $seconds ) { set_transient( 'limit_' . $id, 1, $seconds ); }
}

/** Places an order as the classic checkout does. */
function upline_store_checkout( array $posted ): WC_Order {
	$order = new WC_Order();
	foreach ( upline_store_products() as $id => $product ) {
		$quantity = (int) ( $posted[ 'quantity_' . $id ] ?? 0 );
		if ( $quantity > 0 ) {
			$cents = $quantity * upline_store_cents( $product->data['price'] );
			$order->add_item( array( 'type' => 'line_item', 'name' => $product->get_name(), 'product_id' => $id, 'quantity' => $quantity, 'subtotal' => upline_store_money( $cents ), 'total' => upline_store_money( $cents ), 'tax' => upline_store_money( intdiv( $cents, 10 ) ) ) );
		}
	}
	$order->data['email']       = (string) ( $posted['email'] ?? '' );
	$order->data['customer_id'] = get_current_user_id();
	$order->calculate_totals();
	do_action( 'woocommerce_checkout_create_order', $order, $posted );
	$order->save();
	$order->data['paid_at'] = gmdate( 'c' );
	$order->update_status( 'processing' );
	return $order;
}

add_action(
	'template_redirect',
	static function () {
		if ( ! is_front_page() ) {
			return;
		}
		// phpcs:disable
		if ( isset( $_GET['account'] ) ) {
			get_header();
			echo '<nav>' . esc_html( implode( ' | ', apply_filters( 'woocommerce_account_menu_items', array( 'orders' => 'Orders', 'customer-logout' => 'Log out' ) ) ) ) . '</nav>';
			do_action( 'woocommerce_account_' . sanitize_key( $_GET['account'] ) . '_endpoint' );
			get_footer();
			exit;
		}
		if ( 'POST' === $_SERVER['REQUEST_METHOD'] ) {
			$order = upline_store_checkout( wp_unslash( $_POST ) );
			echo '<p id="received">' . (int) $order->get_id() . '</p>';
			exit;
		}
		// phpcs:enable
		get_header();
		echo '<form method="post" action="' . esc_url( home_url( '/' ) ) . '"><input name="quantity_11" value="1"><input name="quantity_12" value="0"><input name="email" value="buyer@example.org">';
		foreach ( apply_filters( 'woocommerce_checkout_fields', array( 'order' => array() ) )['order'] as $name => $field ) {
			echo '<label>' . esc_html( $field['label'] ) . '<input name="' . esc_attr( $name ) . '"></label>';
		}
		echo '<button id="place_order">Place order</button></form>';
		get_footer();
		exit;
	},
	50
);

/** What the tests do with an order. */
function upline_store_act( WP_REST_Request $request ) {
	$order = wc_get_order( (int) $request['id'] );
	switch ( $request['act'] ) {
		case 'refund':
			$line                        = array_values( $order->get_items() )[0];
			$refund                      = new WC_Order_Refund();
			$refund->data['parent_id']   = $order->get_id();
			$refund->data['status']      = 'completed';
			$refund->data['amount']      = (string) $request['amount'];
			if ( $request['total'] ) {
				$refund->add_item( array( 'type' => 'line_item', 'quantity' => -1, 'total' => '-' . $request['total'], 'tax' => '-' . $request['tax'], 'meta' => array( '_refunded_item_id' => (string) $line->get_id() ) ) );
			}
			return array( 'id' => $refund->save() );
		case 'delete_refund':
			foreach ( wc_get_orders( array( 'type' => 'shop_order_refund', 'parent' => $order->get_id(), 'limit' => -1 ) ) as $refund ) {
				$refund->delete();
			}
			break;
		case 'edit':
			$order->data['items'][0]['quantity'] = 3;
			$order->data['items'][0]['subtotal'] = '89.70';
			$order->data['items'][0]['total']    = '89.70';
			$order->data['items'][0]['tax']      = '8.97';
			$order->calculate_totals();
			$order->save();
			break;
		case 'status':
			$order->update_status( (string) $request['status'] );
			break;
		case 'trash':
			$order->delete();
			break;
		case 'untrash':
			$order->untrash();
			break;
		case 'delete':
			$order->delete( true );
			break;
		case 'buy':
			return array( 'id' => upline_store_checkout( array( 'quantity_11' => 1, 'email' => 'buyer@example.org' ) )->get_id() );
		case 'spoil':
			// Only once its sending has failed, which happens after the buyer has the answer: before, it would be written over.
			global $wpdb;
			if ( 'id' === $request['what'] ) {
				return array( 'rows' => $wpdb->query( $wpdb->prepare( "UPDATE {$wpdb->prefix}upline_outbox SET event_id = '{' WHERE order_id = %d AND payload IS NOT NULL AND state = 'ready'", (int) $request['id'] ) ) );
			}
			return array( 'rows' => $wpdb->query( $wpdb->prepare( "UPDATE {$wpdb->prefix}upline_outbox SET payload = REPLACE( payload, %s, %s ) WHERE order_id = %d AND payload IS NOT NULL AND state = 'ready'", (string) $request['what'], (string) $request['with'], (int) $request['id'] ) ) );
		case 'age':
			// As an outage of that many days leaves what waits: tried often, and put off by up to an hour. The first order of an outage
			// is tried after its buyer has the answer: that is waited for.
			global $wpdb;
			$table = "{$wpdb->prefix}upline_outbox";
			for ( $i = 0; $i < 50 && ( $wpdb->get_var( "SELECT COUNT(*) FROM $table WHERE state = 'sending'" ) || ! $wpdb->get_var( "SELECT COUNT(*) FROM $table WHERE state IN ('dirty','ready') AND attempts > 0" ) ); $i++ ) {
				usleep( 100000 );
			}
			update_option( 'upline_state', array_diff_key( get_option( 'upline_state' ), array( 'circuit_until' => 0 ) ) );
			return array( 'rows' => $wpdb->query( $wpdb->prepare( "UPDATE $table SET created_at = created_at - 86400 * %d, attempts = %d, due_at = %d WHERE state IN ('dirty','ready')", (int) $request['days'], (int) $request['attempts'], time() + (int) $request['due_in'] ) ) );
		case 'notes':
			return array_map( 'wp_strip_all_tags', wp_list_pluck( get_comments( array( 'post_id' => (int) $request['id'], 'type' => 'order_note', 'order' => 'ASC', 'status' => 'any' ) ), 'comment_content' ) );
		case 'erase':
			// As Tools > Erase Personal Data does it: one eraser after the other, each to its end.
			$said = array();
			foreach ( apply_filters( 'wp_privacy_personal_data_erasers', array() ) as $eraser ) {
				for ( $page = 1, $done = false; ! $done && $page < 50; $page++ ) {
					$answer = call_user_func( $eraser['callback'], (string) $request['email'], $page );
					$said   = array_merge( $said, $answer['messages'] );
					$done   = $answer['done'];
				}
			}
			return array( 'said' => $said, 'touches' => $order->get_meta( '_upline_touches' ), 'now' => wc_get_order( $order->get_id() )->data );
		case 'schedule':
			return upline_store_run_actions();
		case 'option':
			return array( 'value' => update_option( (string) $request['name'], $request['value'] ) );
	}
	return array( 'done' => true );
}
add_action(
	'rest_api_init',
	static function () {
		register_rest_route( 'store/v1', '/act', array( 'methods' => 'POST', 'callback' => 'upline_store_act', 'permission_callback' => '__return_true' ) );
	}
);
