<?php
/**
 * Status, drawn.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * The connection and queue sections of the settings tab: plain HTML within WooCommerce's form, buttons with its nonce.
 */
final class Status_View {

	/**
	 * Rows of the queue shown.
	 */
	const ROWS = 50;

	/**
	 * The connection section.
	 */
	public static function connection(): void {
		echo '<div class="upline-cards">';
		if ( ! Connection::is_connected() ) {
			self::invitation();
		} elseif ( Connection::is_elsewhere() || 'another_site' === Connection::state( 'pause_reason' ) ) {
			self::copy_or_moved();
		} else {
			self::connected();
		}
		echo '</div>';
	}

	/**
	 * Before anything is connected.
	 */
	private static function invitation(): void {
		self::open_card( __( 'Connect your shop to Upline', 'upline-for-woocommerce' ), true );
		echo '<p>' . esc_html__( 'Upline computes the commissions of your distributors from your orders. Nothing is sent before you connect.', 'upline-for-woocommerce' ) . '</p>';
		self::server_field();
		self::buttons( array( 'connect' => __( 'Connect', 'upline-for-woocommerce' ) ), 'button button-primary' );
		echo '<p class="description">' . esc_html__( 'You sign in at your Upline server, see what is asked for, and come back here.', 'upline-for-woocommerce' ) . '</p>';
		echo '</div>';
		self::open_card( __( 'Or with a code', 'upline-for-woocommerce' ), true );
		echo '<p>' . esc_html__( 'Whoever runs the server can make one:', 'upline-for-woocommerce' ) . ' <code>upline admin store connect ' . esc_html( Connection::here() ) . ' --currency ' . esc_html( get_woocommerce_currency() ) . '</code></p>';
		echo '<p><label for="upline_code">' . esc_html__( 'Code', 'upline-for-woocommerce' ) . '</label><br /><input type="text" id="upline_code" name="upline_code" autocomplete="off" /></p>';
		self::buttons( array( 'code' => __( 'Connect with the code', 'upline-for-woocommerce' ) ) );
		echo '</div>';
	}

	/**
	 * The field for the server's address.
	 */
	private static function server_field(): void {
		echo '<p><label for="upline_server">' . esc_html__( 'Address of your Upline server', 'upline-for-woocommerce' ) . '</label><br /><input type="text" inputmode="url" id="upline_server" name="upline_server" value="' . esc_attr( (string) get_option( 'upline_server', '' ) ) . '" placeholder="https://upline.example.com" /></p>';
	}

	/**
	 * The site is not where it was connected.
	 */
	private static function copy_or_moved(): void {
		self::open_card( __( 'Is this a copy of your shop?', 'upline-for-woocommerce' ), true );
		$text = Connection::is_elsewhere()
			/* translators: 1: address, 2: address */
			? sprintf( __( 'Upline knows this shop as %1$s, but it is at %2$s. To keep test orders out of your books, nothing is sent from here.', 'upline-for-woocommerce' ), Connection::site(), Connection::here() )
			: ucfirst( Settings::alarm() );
		echo '<p>' . esc_html( $text ) . '</p>';
		self::buttons( array( 'copy' => __( 'It is a copy: disconnect it', 'upline-for-woocommerce' ) ) );
		echo '<p>' . esc_html__( 'It has moved: connect it again under its new address. What waits is sent then.', 'upline-for-woocommerce' ) . '</p>';
		self::server_field();
		self::buttons( array( 'connect' => __( 'It has moved: connect again', 'upline-for-woocommerce' ) ) );
		echo '</div>';
	}

	/**
	 * The shop is connected.
	 */
	private static function connected(): void {
		$answer = Client::call( 'status' );
		$there  = 200 === $answer['status'];
		$data   = $answer['data'];
		$depth  = Outbox::depth();
		self::open_card( __( 'Connection', 'upline-for-woocommerce' ) );
		self::facts(
			array(
				array( __( 'Server', 'upline-for-woocommerce' ), $there ? __( 'reached', 'upline-for-woocommerce' ) : Connect::reason( $answer ), $there ),
				array( __( 'Address', 'upline-for-woocommerce' ), Connection::get( 'server' ), null ),
				array( __( 'Store', 'upline-for-woocommerce' ), Connection::get( 'store_id' ), null ),
				array( __( 'Secret', 'upline-for-woocommerce' ), '…' . substr( Connection::get( 'secret' ), -4 ), null ),
				self::clock( $data ),
			)
		);
		self::buttons(
			array(
				'test'   => __( 'Send a test', 'upline-for-woocommerce' ),
				'rotate' => __( 'New secret', 'upline-for-woocommerce' ),
			)
		);
		echo '</div>';
		self::open_card( __( 'Orders', 'upline-for-woocommerce' ) );
		$parked   = (int) ( $data['parked'] ?? 0 );
		$unmapped = count( (array) ( $data['unmapped'] ?? array() ) );
		self::facts(
			array(
				array( __( 'Last change told', 'upline-for-woocommerce' ), self::ago( (int) Connection::state( 'last_sent' ) ), null ),
				array( __( 'Last order at Upline', 'upline-for-woocommerce' ), self::ago( (int) strtotime( (string) ( $data['last_order_at'] ?? '' ) ) ), null ),
				array( __( 'Waiting here', 'upline-for-woocommerce' ), self::waiting( $depth ), 0 === $depth['failed'] && ! Outbox::is_late( $depth ) ),
				array( __( 'Parked at Upline', 'upline-for-woocommerce' ), $there ? (string) $parked : '–', $there ? 0 === $parked : null ),
				array( __( 'SKUs with a class', 'upline-for-woocommerce' ), $there ? (string) (int) ( $data['mapped_skus'] ?? 0 ) : '–', null ),
				array( __( 'SKUs without a class', 'upline-for-woocommerce' ), $there ? (string) $unmapped : '–', $there ? 0 === $unmapped : null ),
			)
		);
		if ( $unmapped ) {
			$skus = array_slice( array_filter( array_map( 'strval', wp_list_pluck( (array) $data['unmapped'], 'platform_sku' ) ) ), 0, 5 );
			echo '<p class="description">' . esc_html( implode( ', ', $skus ) . ( $unmapped > count( $skus ) ? ' …' : '' ) ) . '</p>';
		}
		$open = wp_nonce_url( admin_url( 'admin-post.php?action=upline_open' ), 'upline_open' );
		echo '<div class="upline-buttons"><a class="button button-primary" href="' . esc_url( $open ) . '" target="_blank" rel="noopener">' . esc_html__( 'Open in Upline', 'upline-for-woocommerce' ) . '</a>';
		echo '<a class="button" href="' . esc_url( Settings::url( 'queue' ) ) . '">' . esc_html__( 'See the queue', 'upline-for-woocommerce' ) . '</a></div></div>';
		self::backfill();
		self::open_card( __( 'Disconnect', 'upline-for-woocommerce' ) );
		echo '<p>' . esc_html__( 'Ends the secret. What was told stays at Upline; what was not told yet stays here.', 'upline-for-woocommerce' ) . '</p>';
		self::buttons( array( 'disconnect' => __( 'Disconnect', 'upline-for-woocommerce' ) ) );
		if ( 'unknown' === Connection::state( 'pause_reason' ) ) {
			self::server_field();
			self::buttons( array( 'connect' => __( 'Connect again', 'upline-for-woocommerce' ) ), 'button button-primary' );
		}
		echo '</div>';
	}

	/**
	 * How many wait, and since when.
	 *
	 * @param array $depth As from Outbox::depth().
	 * @return string
	 */
	private static function waiting( array $depth ): string {
		if ( 0 === $depth['depth'] ) {
			return '0';
		}
		/* translators: 1: how many, 2: since when */
		return sprintf( __( '%1$d, the oldest since %2$s', 'upline-for-woocommerce' ), $depth['depth'], self::ago( (int) $depth['oldest'] ) );
	}

	/**
	 * The card of past orders.
	 */
	private static function backfill(): void {
		$state = Backfill::state();
		self::open_card( __( 'Past orders', 'upline-for-woocommerce' ) );
		if ( $state && ! $state['ended'] ) {
			/* translators: 1: how many, 2: of how many */
			echo '<p>' . esc_html( sprintf( __( '%1$d of %2$d orders put into the queue.', 'upline-for-woocommerce' ), $state['done'], $state['total'] ) ) . '</p>';
			printf( '<progress max="%d" value="%d"></progress>', (int) max( 1, $state['total'] ), (int) $state['done'] );
			self::buttons( array( 'stop_backfill' => __( 'Stop', 'upline-for-woocommerce' ) ) );
			echo '</div>';
			return;
		}
		if ( $state ) {
			/* translators: %d: how many */
			echo '<p class="upline-good">' . esc_html( sprintf( _n( '%d order was put into the queue.', '%d orders were put into the queue.', $state['done'], 'upline-for-woocommerce' ), $state['done'] ) ) . '</p>';
		}
		echo '<p>' . esc_html__( 'Tell Upline of orders from before. Upline reads by itself what was placed since the day from which the store pays, 60 days at most. What was placed before that day earns nothing.', 'upline-for-woocommerce' ) . '</p>';
		echo '<p><label for="upline_from">' . esc_html__( 'First day', 'upline-for-woocommerce' ) . '</label> <input type="date" id="upline_from" name="upline_from" /></p>';
		echo '<p><label for="upline_to">' . esc_html__( 'Last day', 'upline-for-woocommerce' ) . '</label> <input type="date" id="upline_to" name="upline_to" /></p>';
		self::buttons( array( 'backfill' => __( 'Tell past orders', 'upline-for-woocommerce' ) ) );
		echo '</div>';
	}

	/**
	 * The button that fetches the coupons now, and not within the hour.
	 */
	public static function coupons(): void {
		self::buttons( array( 'coupons' => __( 'Make the coupons now', 'upline-for-woocommerce' ) ) );
	}

	/**
	 * The queue section.
	 */
	public static function queue(): void {
		$depth = Outbox::depth();
		$rows  = Outbox::newest( self::ROWS );
		echo '<h2>' . esc_html__( 'Changes of orders, newest first', 'upline-for-woocommerce' ) . '</h2>';
		if ( 0 === $depth['depth'] ) {
			echo '<p class="upline-good">' . esc_html__( 'Everything was told.', 'upline-for-woocommerce' ) . '</p>';
		} else {
			/* translators: 1: how many, 2: since when, 3: how many need a person */
			echo '<p>' . esc_html( sprintf( __( '%1$d waiting, the oldest since %2$s; %3$d need you.', 'upline-for-woocommerce' ), $depth['depth'], self::ago( (int) $depth['oldest'] ), $depth['failed'] ) ) . '</p>';
			self::buttons( array( 'retry:0' => __( 'Try all again now', 'upline-for-woocommerce' ) ), 'button button-primary' );
		}
		if ( '' !== (string) Connection::state( 'last_error' ) && $depth['depth'] > 0 ) {
			echo '<p class="upline-warn">' . esc_html( (string) Connection::state( 'last_error' ) ) . '</p>';
		}
		echo '<div class="upline-scroll" role="region" tabindex="0" aria-label="' . esc_attr__( 'Queue', 'upline-for-woocommerce' ) . '"><table class="widefat striped"><thead><tr>';
		foreach ( array( __( 'Order', 'upline-for-woocommerce' ), __( 'What', 'upline-for-woocommerce' ), __( 'State', 'upline-for-woocommerce' ), __( 'Since', 'upline-for-woocommerce' ), __( 'Attempts', 'upline-for-woocommerce' ), __( 'Last answer', 'upline-for-woocommerce' ), '' ) as $head ) {
			echo '<th scope="col">' . esc_html( $head ) . '</th>';
		}
		echo '</tr></thead><tbody>';
		foreach ( $rows as $row ) {
			self::row( $row );
		}
		if ( ! $rows ) {
			echo '<tr><td colspan="7">' . esc_html__( 'No order has changed yet.', 'upline-for-woocommerce' ) . '</td></tr>';
		}
		echo '</tbody></table></div>';
	}

	/**
	 * One row of the queue.
	 *
	 * @param object $row Row.
	 */
	private static function row( $row ): void {
		$words = array(
			'dirty'     => __( 'waiting', 'upline-for-woocommerce' ),
			'ready'     => __( 'waiting', 'upline-for-woocommerce' ),
			'sending'   => __( 'being sent', 'upline-for-woocommerce' ),
			'sent'      => __( 'told', 'upline-for-woocommerce' ),
			'refused'   => __( 'refused', 'upline-for-woocommerce' ),
			'too_large' => __( 'too large', 'upline-for-woocommerce' ),
		);
		$bad   = in_array( $row->state, array( 'refused', 'too_large' ), true );
		printf( '<tr><td><a href="%s">%s</a></td><td>%s</td>', esc_url( self::order_url( (int) $row->order_id ) ), esc_html( '#' . $row->order_id ), esc_html( self::cause( (string) $row->cause ) ) );
		printf( '<td><span class="%s">%s</span></td>', $bad ? 'upline-bad' : ( 'sent' === $row->state ? 'upline-good' : '' ), esc_html( $words[ $row->state ] ?? $row->state ) );
		printf( '<td>%s</td><td>%d</td><td>%s</td><td>', esc_html( self::ago( (int) $row->created_at ) ), (int) $row->attempts, esc_html( $row->last_error ) );
		if ( 'sent' !== $row->state ) {
			printf( '<button type="submit" class="button" name="upline_do" value="retry:%d">%s</button>', (int) $row->id, esc_html__( 'Try again', 'upline-for-woocommerce' ) );
		}
		echo '</td></tr>';
	}

	/**
	 * What happened, in words.
	 *
	 * @param string $cause As it is told.
	 * @return string
	 */
	private static function cause( string $cause ): string {
		$words = array(
			'order.created'   => __( 'placed', 'upline-for-woocommerce' ),
			'order.updated'   => __( 'changed', 'upline-for-woocommerce' ),
			'order.status'    => __( 'status changed', 'upline-for-woocommerce' ),
			'order.trashed'   => __( 'moved to the trash', 'upline-for-woocommerce' ),
			'order.untrashed' => __( 'restored from the trash', 'upline-for-woocommerce' ),
			'order.deleted'   => __( 'deleted', 'upline-for-woocommerce' ),
			'refund.created'  => __( 'refunded', 'upline-for-woocommerce' ),
			'refund.deleted'  => __( 'refund deleted', 'upline-for-woocommerce' ),
			'item.changed'    => __( 'line changed', 'upline-for-woocommerce' ),
			'resent'          => __( 'told again', 'upline-for-woocommerce' ),
			'backfill'        => __( 'past order', 'upline-for-woocommerce' ),
		);
		return $words[ $cause ] ?? $cause;
	}

	/**
	 * Where an order is edited, on both storages.
	 *
	 * @param int $order_id Order.
	 * @return string
	 */
	private static function order_url( int $order_id ): string {
		$order = wc_get_order( $order_id );
		return $order instanceof \WC_Order ? $order->get_edit_order_url() : admin_url( 'admin.php?page=wc-orders' );
	}

	/**
	 * The row about the clock.
	 *
	 * @param array $data The server's status.
	 * @return array
	 */
	private static function clock( array $data ): array {
		$at  = strtotime( (string) ( $data['server_time'] ?? '' ) );
		$off = $at ? $at - time() : (int) Connection::state( 'clock_offset' );
		if ( abs( $off ) <= 30 ) {
			return array( __( 'Clock', 'upline-for-woocommerce' ), __( 'right', 'upline-for-woocommerce' ), true );
		}
		/* translators: %s: a span of time */
		return array( __( 'Clock', 'upline-for-woocommerce' ), sprintf( __( 'off by %s; orders are sent all the same, but have it set right', 'upline-for-woocommerce' ), human_time_diff( 0, abs( $off ) ) ), false );
	}

	/**
	 * Opens a card.
	 *
	 * @param string $title Title.
	 * @param bool   $wide  Over the whole width.
	 */
	private static function open_card( string $title, bool $wide = false ): void {
		echo '<div class="upline-card' . ( $wide ? ' upline-wide' : '' ) . '"><h3>' . esc_html( $title ) . '</h3>';
	}

	/**
	 * A list of facts.
	 *
	 * @param array $facts {name, value, good or bad or neither (null)}.
	 */
	private static function facts( array $facts ): void {
		echo '<dl class="upline-state">';
		foreach ( $facts as $fact ) {
			printf( '<div><dt>%s</dt><dd class="%s">%s</dd></div>', esc_html( $fact[0] ), null === $fact[2] ? '' : ( $fact[2] ? 'upline-good' : 'upline-bad' ), esc_html( $fact[1] ) );
		}
		echo '</dl>';
	}

	/**
	 * Buttons of the form. WooCommerce asks whether to leave the page when a field was changed and another button than one
	 * within .submit is pressed.
	 *
	 * @param array  $buttons Value and label.
	 * @param string $style   Classes.
	 */
	private static function buttons( array $buttons, string $style = 'button' ): void {
		echo '<div class="upline-buttons submit">';
		foreach ( $buttons as $value => $label ) {
			printf( '<button type="submit" class="%s" name="upline_do" value="%s">%s</button>', esc_attr( $style ), esc_attr( $value ), esc_html( $label ) );
		}
		echo '</div>';
	}

	/**
	 * How long ago.
	 *
	 * @param int $at Seconds since 1970; 0 for never.
	 * @return string
	 */
	private static function ago( int $at ): string {
		/* translators: %s: a span of time */
		return $at > 0 ? sprintf( __( '%s ago', 'upline-for-woocommerce' ), human_time_diff( $at ) ) : __( 'never', 'upline-for-woocommerce' );
	}
}
