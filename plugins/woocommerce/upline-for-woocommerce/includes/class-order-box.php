<?php
/**
 * The box of the order screen.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Reference;

defined( 'ABSPATH' ) || exit;

/**
 * Who was paid for an order, and why; and the distributor of an order that came by telephone. The figures are fetched
 * after the page is there, so that a server that is away makes no order screen wait.
 */
final class Order_Box {

	/**
	 * Registers the box and its calls.
	 */
	public static function register(): void {
		if ( ! Connection::is_connected() ) {
			return;
		}
		add_action( 'add_meta_boxes', Plugin::guard( array( self::class, 'add' ) ), 30 );
		add_action( 'woocommerce_process_shop_order_meta', Plugin::guard( array( self::class, 'save' ) ), 60 );
		add_action( 'wp_ajax_upline_explanation', array( self::class, 'explanation' ) );
		add_action( 'wp_ajax_upline_distributors', array( self::class, 'distributors' ) );
		add_action( 'show_user_profile', Plugin::guard( array( self::class, 'user_field' ) ), 30 );
		add_action( 'edit_user_profile', Plugin::guard( array( self::class, 'user_field' ) ), 30 );
		add_action( 'personal_options_update', Plugin::guard( array( self::class, 'user_save' ) ) );
		add_action( 'edit_user_profile_update', Plugin::guard( array( self::class, 'user_save' ) ) );
	}

	/**
	 * Adds the box.
	 */
	public static function add(): void {
		add_meta_box( 'upline-order', __( 'Upline', 'upline-for-woocommerce' ), array( self::class, 'show' ), wc_get_page_screen_id( 'shop-order' ), 'side', 'default' );
	}

	/**
	 * The box, without its figures.
	 *
	 * @param mixed $post Order or post.
	 */
	public static function show( $post ): void {
		$order = $post instanceof \WC_Order ? $post : wc_get_order( $post->ID ?? 0 );
		if ( ! $order instanceof \WC_Order ) {
			return;
		}
		wp_enqueue_script( 'upline-order', plugins_url( 'assets/admin-order.js', FILE ), array(), VERSION, array( 'strategy' => 'defer' ) );
		printf(
			'<div id="upline-explanation" data-order="%d" data-nonce="%s" data-url="%s" data-failed="%s" aria-live="polite"><p>%s</p></div>',
			(int) $order->get_id(),
			esc_attr( wp_create_nonce( 'upline_order' ) ),
			esc_url( admin_url( 'admin-ajax.php' ) ),
			esc_attr__( 'Your shop did not answer. Sign in again, then open this order once more.', 'upline-for-woocommerce' ),
			esc_html__( 'Asking Upline …', 'upline-for-woocommerce' )
		);
		wp_nonce_field( 'upline_manual', 'upline_manual_nonce' );
		printf(
			'<p><label for="upline_manual">%s</label><input type="text" class="widefat" id="upline_manual" name="upline_manual" value="%s" list="upline-distributors" autocomplete="off" maxlength="64" /><datalist id="upline-distributors"></datalist></p><p class="description">%s</p>',
			esc_html__( 'Distributor of this order', 'upline-for-woocommerce' ),
			esc_attr( (string) $order->get_meta( Attribution::META_MANUAL ) ),
			esc_html__( 'Code or id; counts before everything else. Leave empty to let the evidence decide.', 'upline-for-woocommerce' )
		);
	}

	/**
	 * The order is being saved in the admin.
	 *
	 * @param int $order_id Order.
	 */
	public static function save( $order_id ): void {
		$nonce = isset( $_POST['upline_manual_nonce'] ) ? sanitize_text_field( wp_unslash( $_POST['upline_manual_nonce'] ) ) : '';
		if ( ! wp_verify_nonce( $nonce, 'upline_manual' ) || ! current_user_can( 'edit_shop_orders' ) || ! isset( $_POST['upline_manual'] ) ) {
			return;
		}
		$typed  = sanitize_text_field( wp_unslash( $_POST['upline_manual'] ) );
		$manual = Reference::clean( $typed );
		$order  = wc_get_order( $order_id );
		if ( ! $order instanceof \WC_Order || $manual === (string) $order->get_meta( Attribution::META_MANUAL ) ) {
			return;
		}
		if ( '' === $manual && '' !== trim( $typed ) ) {
			\WC_Admin_Meta_Boxes::add_error( __( 'The distributor of the order was not changed: codes have no blanks and at most 64 characters.', 'upline-for-woocommerce' ) );
			return;
		}
		$order->update_meta_data( Attribution::META_MANUAL, $manual );
		$order->save();
	}

	/**
	 * The figures of the box, as HTML.
	 */
	public static function explanation(): void {
		check_ajax_referer( 'upline_order', 'nonce' );
		if ( ! current_user_can( 'edit_shop_orders' ) ) {
			wp_send_json_error( null, 403 );
		}
		$order_id = isset( $_POST['order'] ) ? absint( $_POST['order'] ) : 0;
		$answer   = Client::call( 'explanation', array( 'order_id' => (string) $order_id ) );
		wp_send_json_success( self::html( $answer, self::waiting( $order_id ) ) );
	}

	/**
	 * Suggestions for the picker.
	 */
	public static function distributors(): void {
		check_ajax_referer( 'upline_order', 'nonce' );
		if ( ! current_user_can( 'edit_shop_orders' ) ) {
			wp_send_json_error( null, 403 );
		}
		$search = isset( $_POST['search'] ) ? sanitize_text_field( wp_unslash( $_POST['search'] ) ) : '';
		$answer = Client::remembered(
			'distributors',
			array(
				'search' => substr( $search, 0, 64 ),
				'limit'  => 20,
			)
		);
		$found  = array();
		foreach ( (array) ( $answer['data']['data'] ?? array() ) as $row ) {
			$found[] = array(
				'value' => (string) ( $row['distributor_id'] ?? '' ),
				// The browser shows it behind the value.
				'label' => implode( ', ', array_filter( array( (string) ( $row['code'] ?? '' ), (string) ( $row['rank'] ?? '' ), 'active' === ( $row['status'] ?? '' ) ? '' : (string) ( $row['status'] ?? '' ) ) ) ),
			);
		}
		wp_send_json_success( $found );
	}

	/**
	 * Whether changes of an order wait to be told.
	 *
	 * @param int $order_id Order.
	 * @return string '' or the last error, or that it waits.
	 */
	private static function waiting( int $order_id ): string {
		global $wpdb;
		// phpcs:ignore WordPress.DB.DirectDatabaseQuery
		$row = $wpdb->get_row( $wpdb->prepare( "SELECT state, last_error FROM %i WHERE order_id = %d AND state IN ('dirty','ready','sending','refused','too_large') ORDER BY id DESC LIMIT 1", Outbox::table(), $order_id ) );
		if ( ! $row ) {
			return '';
		}
		$text = __( 'A change of this order waits to be told.', 'upline-for-woocommerce' );
		return '' === $row->last_error ? $text : $text . ' ' . $row->last_error;
	}

	/**
	 * The box's figures.
	 *
	 * @param array  $answer  As from Client.
	 * @param string $waiting Sentence or ''.
	 * @return string HTML, escaped.
	 */
	private static function html( array $answer, string $waiting ): string {
		$html = '' === $waiting ? '' : '<p class="upline-warn">' . esc_html( $waiting ) . '</p>';
		if ( 200 !== $answer['status'] ) {
			return $html . '<p>' . esc_html( Connect::reason( $answer ) ) . '</p>';
		}
		$told  = $answer['data'];
		$state = (string) ( $told['state'] ?? 'unknown' );
		if ( 'unknown' === $state ) {
			return $html . '<p>' . esc_html__( 'Upline has not heard of this order yet.', 'upline-for-woocommerce' ) . '</p>';
		}
		if ( 'parked' === $state ) {
			$html .= '<p class="upline-warn"><strong>' . esc_html__( 'Parked:', 'upline-for-woocommerce' ) . '</strong> ' . esc_html( (string) ( $told['reason'] ?? '' ) ) . '</p>';
			$html .= '<p>' . esc_html( (string) ( $told['mend'] ?? '' ) ) . '</p>';
		}
		if ( '' !== (string) ( $told['distributor_id'] ?? '' ) ) {
			/* translators: 1: distributor, 2: evidence */
			$html .= '<p>' . esc_html( sprintf( __( 'Sold by %1$s (%2$s).', 'upline-for-woocommerce' ), $told['distributor_id'], self::evidence( (string) ( $told['evidence'] ?? '' ) ) ) ) . '</p>';
		}
		$rows = '';
		foreach ( (array) ( $told['earnings'] ?? array() ) as $earning ) {
			$rows .= '<li><strong>' . esc_html( (string) $earning['distributor_id'] ) . '</strong> ' . Account::amount( $earning['amount'] ?? null, (string) ( $earning['currency'] ?? '' ) ) . ' <span>' . esc_html( (string) ( $earning['component'] ?? '' ) ) . '</span><br /><small>' . esc_html( (string) ( $earning['why'] ?? '' ) ) . '</small></li>';
		}
		$why   = 'settled' === $state ? (string) ( $told['reason'] ?? '' ) : '';
		$html .= '' === $rows ? '<p>' . esc_html( trim( __( 'Nobody is paid for this order.', 'upline-for-woocommerce' ) . ' ' . $why ) ) . '</p>' : '<ul class="upline-earnings">' . $rows . '</ul>';
		$next  = (string) wp_parse_url( (string) ( $told['url'] ?? '' ), PHP_URL_PATH );
		$open  = wp_nonce_url( admin_url( 'admin-post.php?action=upline_open&next=' . rawurlencode( '' === $next ? '/' : $next ) ), 'upline_open' );
		return $html . '<p><a href="' . esc_url( $open ) . '" target="_blank" rel="noopener">' . esc_html__( 'Open in Upline', 'upline-for-woocommerce' ) . '</a></p>';
	}

	/**
	 * What decided whose sale it is, in words.
	 *
	 * @param string $told Kind and value, parted by a blank.
	 * @return string
	 */
	private static function evidence( string $told ): string {
		list( $kind, $value ) = array_pad( explode( ' ', $told, 2 ), 2, '' );
		$words                = array(
			/* translators: %s: distributor */
			'manual'   => __( 'chosen for this order: %s', 'upline-for-woocommerce' ),
			/* translators: %s: code */
			'code'     => __( 'coupon %s', 'upline-for-woocommerce' ),
			/* translators: %s: code */
			'cart'     => __( 'named at checkout: %s', 'upline-for-woocommerce' ),
			/* translators: %s: code */
			'landing'  => __( 'link %s', 'upline-for-woocommerce' ),
			/* translators: %s: customer number */
			'customer' => __( 'bound customer %s', 'upline-for-woocommerce' ),
		);
		return isset( $words[ $kind ] ) ? sprintf( $words[ $kind ], $value ) : $told;
	}

	/**
	 * Which distributor a user is, where the shop's admin wants to say so.
	 *
	 * @param \WP_User $user User.
	 */
	public static function user_field( $user ): void {
		if ( ! current_user_can( Connect::CAPABILITY ) ) {
			return;
		}
		wp_nonce_field( 'upline_user', 'upline_user_nonce' );
		printf(
			'<h2>%s</h2><table class="form-table" role="presentation"><tr><th><label for="upline_distributor_id">%s</label></th><td><input type="text" class="regular-text" id="upline_distributor_id" name="upline_distributor_id" maxlength="64" value="%s" /><p class="description">%s</p></td></tr></table>',
			esc_html__( 'Upline', 'upline-for-woocommerce' ),
			esc_html__( 'Distributor', 'upline-for-woocommerce' ),
			esc_attr( Account::distributor_of( $user->ID ) ),
			esc_html__( 'The distributor whose earnings this user sees in My account. Empty: the one that Upline knows for this customer.', 'upline-for-woocommerce' )
		);
	}

	/**
	 * Saves that.
	 *
	 * @param int $user_id User.
	 */
	public static function user_save( $user_id ): void {
		$nonce = isset( $_POST['upline_user_nonce'] ) ? sanitize_text_field( wp_unslash( $_POST['upline_user_nonce'] ) ) : '';
		if ( ! wp_verify_nonce( $nonce, 'upline_user' ) || ! current_user_can( Connect::CAPABILITY ) || ! isset( $_POST['upline_distributor_id'] ) ) {
			return;
		}
		update_user_meta( (int) $user_id, Account::meta(), Reference::clean( sanitize_text_field( wp_unslash( $_POST['upline_distributor_id'] ) ) ) );
		delete_transient( 'upline_is_distributor_' . (int) $user_id );
	}
}
