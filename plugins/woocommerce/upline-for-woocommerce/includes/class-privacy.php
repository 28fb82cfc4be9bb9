<?php
/**
 * Privacy tools.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Takes part in WordPress's export and erasure of personal data, and tells the server of an erasure.
 */
final class Privacy {

	/**
	 * Orders looked at in one step.
	 */
	const STEP = 20;

	/**
	 * Registers.
	 */
	public static function register(): void {
		add_filter( 'wp_privacy_personal_data_exporters', array( self::class, 'exporters' ) );
		add_filter( 'wp_privacy_personal_data_erasers', array( self::class, 'erasers' ), PHP_INT_MAX );
		add_action( 'admin_init', array( self::class, 'policy' ) );
	}

	/**
	 * Adds the exporter.
	 *
	 * @param array $all Exporters.
	 * @return array
	 */
	public static function exporters( $all ) {
		$all['upline-for-woocommerce'] = array(
			'exporter_friendly_name' => __( 'Upline', 'upline-for-woocommerce' ),
			'callback'               => array( self::class, 'export' ),
		);
		return $all;
	}

	/**
	 * Adds the eraser before all others: WooCommerce's own takes the customer and the e-mail out of the orders, after which
	 * nobody finds them.
	 *
	 * @param array $all Erasers.
	 * @return array
	 */
	public static function erasers( $all ) {
		$ours = array(
			'upline-for-woocommerce' => array(
				'eraser_friendly_name' => __( 'Upline', 'upline-for-woocommerce' ),
				'callback'             => array( self::class, 'erase' ),
			),
		);
		return $ours + (array) $all;
	}

	/**
	 * Suggests a paragraph for the shop's privacy policy.
	 */
	public static function policy(): void {
		if ( function_exists( 'wp_add_privacy_policy_content' ) ) {
			wp_add_privacy_policy_content(
				__( 'Upline for WooCommerce', 'upline-for-woocommerce' ),
				'<p>' . esc_html__( 'When you come to our shop by the link of a distributor and allow it, a cookie named upline_ref remembers the link\'s code and the time for up to a year, so that the distributor is paid for what you buy. We tell our commission system (Upline) of orders: amounts, products, the code, your customer number, country and region, and a keyed hash of your e-mail address. Your name, address and e-mail address are not part of it.', 'upline-for-woocommerce' ) . '</p>'
			);
		}
	}

	/**
	 * What we keep about a person.
	 *
	 * @param string $email E-mail.
	 * @param int    $page  Step, from 1.
	 * @return array
	 */
	public static function export( $email, $page = 1 ) {
		$rows   = array();
		$orders = self::orders( (string) $email, (int) $page );
		foreach ( $orders as $order ) {
			$data = array();
			foreach ( self::kept( $order ) as $name => $value ) {
				$data[] = array(
					'name'  => $name,
					'value' => $value,
				);
			}
			if ( $data ) {
				$rows[] = array(
					'group_id'    => 'upline',
					'group_label' => __( 'Who brought you', 'upline-for-woocommerce' ),
					'item_id'     => 'order-' . $order->get_id(),
					'data'        => $data,
				);
			}
		}
		if ( 1 === (int) $page ) {
			$answer = Client::call( 'export', self::person( (string) $email ) );
			if ( 200 === $answer['status'] && ! empty( $answer['data']['data'] ) ) {
				$rows[] = array(
					'group_id'    => 'upline-server',
					'group_label' => __( 'Upline', 'upline-for-woocommerce' ),
					'item_id'     => 'upline',
					'data'        => (array) $answer['data']['data'],
				);
			}
		}
		return array(
			'data' => $rows,
			'done' => count( $orders ) < self::STEP,
		);
	}

	/**
	 * Erases what we keep about a person: when and where he came by a link, what was sent, and what the server has. Amounts
	 * and ids of orders stay at Upline, and the distributor's code stays in the order: they are the company's books, and
	 * without the code the distributor would have to give back what he earned.
	 *
	 * @param string $email E-mail.
	 * @param int    $page  Step, from 1.
	 * @return array
	 */
	public static function erase( $email, $page = 1 ) {
		$removed  = false;
		$retained = false;
		$messages = array();
		$orders   = self::orders( (string) $email, (int) $page );
		foreach ( $orders as $order ) {
			if ( self::kept( $order ) ) {
				self::forget_visit( $order );
				$removed  = true;
				$retained = true;
			}
			Outbox::forget( $order->get_id() );
		}
		if ( $retained && 1 === (int) $page ) {
			$messages[] = __( 'The code of the distributor stays in the orders, as the reason why somebody was paid.', 'upline-for-woocommerce' );
		}
		if ( $orders && Connection::is_connected() ) {
			$request              = self::person( (string) $email );
			$request['order_ids'] = array();
			foreach ( $orders as $order ) {
				$request['order_ids'][] = (string) $order->get_id();
			}
			$answer = Client::call( 'erase', $request, 10.0 );
			if ( 200 !== $answer['status'] ) {
				$retained   = true;
				$messages[] = Connect::reason( $answer ) . ' ' . __( 'Repeat the erasure when the server answers.', 'upline-for-woocommerce' );
			} elseif ( ! empty( $answer['data']['erased'] ) ) {
				$removed    = true;
				$said       = $answer['data']['erased'];
				$messages[] = is_string( $said ) ? $said : implode( ' ', array_filter( (array) $said, 'is_string' ) );
			}
		}
		$done = count( $orders ) < self::STEP;
		$user = get_user_by( 'email', (string) $email );
		if ( $done && $user && '' !== Account::distributor_of( $user->ID ) ) {
			delete_user_meta( $user->ID, Account::meta() );
			$removed = true;
		}
		return array(
			'items_removed'  => $removed,
			'items_retained' => $retained,
			'messages'       => $messages,
			'done'           => $done,
		);
	}

	/**
	 * Leaves of the visits of an order only by whose links they were. Nothing changes that pay depends on, so the server is not
	 * told anew of what it is about to erase.
	 *
	 * @param \WC_Order $order Order.
	 */
	private static function forget_visit( $order ): void {
		$touches = json_decode( (string) $order->get_meta( Attribution::META_TOUCHES ), true );
		$made    = $order->get_date_created();
		if ( is_array( $touches ) ) {
			$order->update_meta_data( Attribution::META_TOUCHES, (string) wp_json_encode( Logic\Reference::anonymous( $touches, $made ? $made->getTimestamp() : 0 ) ) );
		}
		$order->delete_meta_data( Attribution::META_BLOCK );
		$muted = Watch::$muted;
		try {
			Watch::$muted = true;
			$order->save();
		} finally {
			Watch::$muted = $muted;
		}
	}

	/**
	 * What is kept in an order, by its name for people.
	 *
	 * @param \WC_Order $order Order.
	 * @return array
	 */
	private static function kept( $order ): array {
		return array_filter(
			array(
				__( 'Visits by a distributor\'s link', 'upline-for-woocommerce' ) => (string) $order->get_meta( Attribution::META_TOUCHES ),
				__( 'Who referred you', 'upline-for-woocommerce' ) => (string) $order->get_meta( Attribution::META_FIELD ),
			)
		);
	}

	/**
	 * A person's orders, those in the trash too: by the e-mail, and those of the account under another e-mail.
	 *
	 * @param string $email E-mail.
	 * @param int    $page  Step.
	 * @return \WC_Order[]
	 */
	private static function orders( string $email, int $page ): array {
		$user  = get_user_by( 'email', $email );
		$found = wc_get_orders(
			array(
				'customer' => $user ? array( $email, (int) $user->ID ) : array( $email ),
				'type'     => 'shop_order',
				'status'   => array_merge( array_keys( wc_get_order_statuses() ), array( 'trash' ) ),
				'limit'    => self::STEP,
				'paged'    => max( 1, $page ),
				'orderby'  => 'ID',
				'order'    => 'ASC',
			)
		);
		return is_array( $found ) ? $found : array();
	}

	/**
	 * A person as the server knows him.
	 *
	 * @param string $email E-mail.
	 * @return array
	 */
	private static function person( string $email ): array {
		$user = get_user_by( 'email', $email );
		return array(
			'customer_id' => $user ? (string) $user->ID : '',
			'email_hash'  => Order_Reader::email_hash( $email ),
		);
	}
}
