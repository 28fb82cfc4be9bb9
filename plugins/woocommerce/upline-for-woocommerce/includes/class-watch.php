<?php
/**
 * Watching orders.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Signature;

defined( 'ABSPATH' ) || exit;

/**
 * Notes every change of an order and tells it when the buyer has the answer.
 *
 * Hooks only mark: one request saves an order ten times and more. The first mark writes the row, so that a crash loses
 * nothing; at the end of the request each marked order is read and told once.
 */
final class Watch {

	/**
	 * No more than this is sent at the end of a request; the sweep does the rest.
	 */
	const INLINE_ROWS = 20;

	/**
	 * Nor does it go on for longer than this, in seconds.
	 */
	const INLINE_SECONDS = 3;

	/**
	 * While this is set nothing is marked: our own notes change nothing.
	 *
	 * @var bool
	 */
	public static $muted = false;

	/**
	 * Marked orders: by site of the network, then by order: {row, cause}; row 0 where only an item was touched.
	 *
	 * @var array
	 */
	private static $marked = array();

	/**
	 * Changes of status in this request, by site, then by order.
	 *
	 * @var array
	 */
	private static $statuses = array();

	/**
	 * Registers the hooks. What WooCommerce fires and what it does not is in the comments.
	 */
	public static function register(): void {
		$on = static function ( string $hook, string $method, int $arguments = 1, int $priority = 1000 ): void {
			add_filter( $hook, Plugin::guard( array( self::class, $method ) ), $priority, $arguments );
		};
		$on( 'woocommerce_new_order', 'created' );
		// Any save, trash and un-trash by status too, where woocommerce_update_order is silent.
		$on( 'woocommerce_after_order_object_save', 'saved' );
		$on( 'woocommerce_order_status_changed', 'status', 3 );
		$on( 'woocommerce_after_order_refund_object_save', 'refunded' );
		// The only one that fires wherever a refund is deleted: admin, REST, both storages.
		$on( 'woocommerce_pre_delete_order_refund', 'refund_deleted', 2 );
		$on( 'woocommerce_trash_order', 'trashed' );
		$on( 'woocommerce_untrash_order', 'untrashed' );
		// Before WooCommerce's own callback, which saves the order that is going.
		$on( 'woocommerce_before_delete_order', 'deleted', 2, -1000 );
		// An item saved on its own fires no hook of its order.
		$on( 'woocommerce_new_order_item', 'item', 3 );
		$on( 'woocommerce_update_order_item', 'item', 3 );
		$on( 'woocommerce_before_delete_order_item', 'item_deleted' );
		// The list screen of shops that keep orders as posts fires no hook of WooCommerce's.
		$on( 'wp_trash_post', 'post_trashed' );
		$on( 'untrashed_post', 'post_untrashed' );
		$on( 'before_delete_post', 'post_deleted', 1, -1000 );
		// WooCommerce saves the buyer's session at 20: finishing the request earlier would leave his cart full.
		add_action( 'shutdown', Plugin::guard( array( self::class, 'flush' ) ), PHP_INT_MAX );
	}

	/**
	 * A new order.
	 *
	 * @param mixed $order_id Order id.
	 */
	public static function created( $order_id ): void {
		self::mark( (int) $order_id, 'order.created' );
	}

	/**
	 * An order was saved.
	 *
	 * @param mixed $order Order.
	 */
	public static function saved( $order ): void {
		if ( Order_Reader::is_told( $order ) ) {
			self::mark( $order->get_id(), 'order.updated' );
		}
	}

	/**
	 * A status changed: kept for the order's history, which WooCommerce itself has in notes for people only.
	 *
	 * @param mixed $order_id Order id.
	 * @param mixed $from     Status.
	 * @param mixed $to       Status.
	 */
	public static function status( $order_id, $from, $to ): void {
		if ( 'checkout-draft' !== $from ) {
			self::$statuses[ get_current_blog_id() ][ (int) $order_id ][] = array(
				'from' => (string) $from,
				'to'   => (string) $to,
				'at'   => gmdate( 'Y-m-d\TH:i:s\Z' ),
			);
		}
		self::mark( (int) $order_id, 'order.status' );
	}

	/**
	 * A refund was saved.
	 *
	 * @param mixed $refund Refund.
	 */
	public static function refunded( $refund ): void {
		if ( $refund instanceof \WC_Order_Refund ) {
			self::mark( (int) $refund->get_parent_id(), 'refund.created' );
		}
	}

	/**
	 * A refund is about to be deleted.
	 *
	 * @param mixed $check  What the filter decides; returned as it is.
	 * @param mixed $refund Refund.
	 * @return mixed
	 */
	public static function refund_deleted( $check, $refund ) {
		if ( $refund instanceof \WC_Order_Refund && $refund->get_parent_id() ) {
			self::mark( (int) $refund->get_parent_id(), 'refund.deleted' );
			Told::refund_deleted( (int) $refund->get_parent_id(), (int) $refund->get_id() );
		}
		return $check;
	}

	/**
	 * An order went to the trash.
	 *
	 * @param mixed $order_id Order id.
	 */
	public static function trashed( $order_id ): void {
		self::mark( (int) $order_id, 'order.trashed' );
	}

	/**
	 * An order came back from the trash.
	 *
	 * @param mixed $order_id Order id.
	 */
	public static function untrashed( $order_id ): void {
		self::mark( (int) $order_id, 'order.untrashed' );
	}

	/**
	 * An order is about to be deleted for good: the last chance for a snapshot.
	 *
	 * @param mixed $order_id Order id.
	 * @param mixed $order    Order.
	 */
	public static function deleted( $order_id, $order = null ): void {
		$order = $order instanceof \WC_Order ? $order : wc_get_order( $order_id );
		if ( self::$muted || ! Order_Reader::is_told( $order ) ) {
			return;
		}
		$row   = Outbox::add( $order->get_id(), 'order.deleted' );
		$event = Sender::snapshot( $order, 'order.deleted', true );
		Outbox::set(
			$row,
			array(
				'state'    => 'ready',
				'event_id' => $event['event_id'],
				'sequence' => $event['sequence'],
				'payload'  => (string) wp_json_encode( $event ),
			)
		);
		self::$marked[ get_current_blog_id() ][ $order->get_id() ] = array(
			'row'   => $row,
			'cause' => 'order.deleted',
		);
	}

	/**
	 * An item was saved. Whether its order is a cart still is looked up at the end of the request, not in its midst.
	 *
	 * @param mixed $item_id  Item id.
	 * @param mixed $item     Item.
	 * @param mixed $order_id Order id.
	 */
	public static function item( $item_id, $item, $order_id ): void {
		self::mark_softly( (int) $order_id );
	}

	/**
	 * An item is about to be deleted.
	 *
	 * @param mixed $item_id Item id.
	 */
	public static function item_deleted( $item_id ): void {
		self::mark_softly( (int) wc_get_order_id_by_order_item_id( (int) $item_id ) );
	}

	/**
	 * A post went to the trash.
	 *
	 * @param mixed $post_id Post id.
	 */
	public static function post_trashed( $post_id ): void {
		if ( 'shop_order' === get_post_type( (int) $post_id ) ) {
			self::mark( (int) $post_id, 'order.trashed' );
		}
	}

	/**
	 * A post came back from the trash.
	 *
	 * @param mixed $post_id Post id.
	 */
	public static function post_untrashed( $post_id ): void {
		if ( 'shop_order' === get_post_type( (int) $post_id ) ) {
			self::mark( (int) $post_id, 'order.untrashed' );
		}
	}

	/**
	 * A post is about to be deleted for good.
	 *
	 * @param mixed $post_id Post id.
	 */
	public static function post_deleted( $post_id ): void {
		$type  = get_post_type( (int) $post_id );
		$known = self::$marked[ get_current_blog_id() ][ (int) $post_id ]['cause'] ?? '';
		if ( 'shop_order' === $type && 'order.deleted' !== $known ) {
			self::deleted( (int) $post_id );
		}
		if ( 'shop_order_refund' === $type ) {
			self::refund_deleted( null, wc_get_order( (int) $post_id ) );
		}
	}

	/**
	 * The changes of status of an order in this request.
	 *
	 * @param int $order_id Order.
	 * @return array
	 */
	public static function history( int $order_id ): array {
		$site    = get_current_blog_id();
		$changes = self::$statuses[ $site ][ $order_id ] ?? array();
		unset( self::$statuses[ $site ][ $order_id ] );
		return $changes;
	}

	/**
	 * Marks an order; the first mark writes the row. The strongest word for what happened stays.
	 *
	 * @param int    $order_id Order.
	 * @param string $cause    What happened.
	 */
	private static function mark( int $order_id, string $cause ): void {
		$site = get_current_blog_id();
		$mark = self::$marked[ $site ][ $order_id ] ?? null;
		if ( self::$muted || $order_id <= 0 || ( $mark && 'order.deleted' === $mark['cause'] ) ) {
			return;
		}
		if ( ! $mark || 0 === $mark['row'] ) {
			self::$marked[ $site ][ $order_id ] = array(
				'row'   => Outbox::add( $order_id, $cause ),
				'cause' => $cause,
			);
			return;
		}
		if ( in_array( $mark['cause'], array( 'order.updated', 'item.changed' ), true ) || 0 === strpos( $cause, 'refund.' ) || 0 === strpos( $cause, 'order.t' ) ) {
			self::$marked[ $site ][ $order_id ]['cause'] = 'order.updated' === $cause ? $mark['cause'] : $cause;
		}
	}

	/**
	 * Marks an order in memory only.
	 *
	 * @param int $order_id Order.
	 */
	private static function mark_softly( int $order_id ): void {
		$site = get_current_blog_id();
		if ( ! self::$muted && $order_id > 0 && ! isset( self::$marked[ $site ][ $order_id ] ) ) {
			self::$marked[ $site ][ $order_id ] = array(
				'row'   => 0,
				'cause' => 'item.changed',
			);
		}
	}

	/**
	 * At the end of the request: the buyer gets his answer, then the server is told.
	 */
	public static function flush(): void {
		if ( ! self::$marked ) {
			return;
		}
		$answered = self::finish_request();
		$until    = microtime( true ) + self::INLINE_SECONDS;
		foreach ( self::$marked as $site => $marks ) {
			$switched = is_multisite() && get_current_blog_id() !== $site && switch_to_blog( $site );
			try {
				self::flush_site( $marks, $answered, $until );
			} finally {
				if ( $switched ) {
					restore_current_blog();
				}
			}
		}
		self::$marked = array();
	}

	/**
	 * Tells the marked orders of one site.
	 *
	 * @param array $marks    By order: {row, cause}.
	 * @param bool  $answered Whether the buyer has his answer.
	 * @param float $until    When to stop.
	 */
	private static function flush_site( array $marks, bool $answered, float $until ): void {
		$rows = array();
		foreach ( $marks as $order_id => $mark ) {
			$row_id = 0 === $mark['row'] ? self::harden( (int) $order_id ) : $mark['row'];
			if ( ! $row_id ) {
				continue;
			}
			if ( ! $answered || count( $rows ) >= self::INLINE_ROWS || microtime( true ) > $until || '' !== Connection::hindrance() ) {
				// The sweep takes it at once instead of a minute later.
				Outbox::set( $row_id, array( 'due_at' => time() ) );
				continue;
			}
			// The last snapshot of an order that is gone was made and stored already.
			$row = 'order.deleted' === $mark['cause'] ? Outbox::get( $row_id ) : Outbox::fresh( $row_id, (int) $order_id, $mark['cause'] );
			if ( $row ) {
				$rows[] = $row;
			}
		}
		if ( $rows ) {
			Sender::send( $rows, Sender::INLINE_TIMEOUT );
		}
		if ( ! $answered && '' === Connection::hindrance() ) {
			self::run_elsewhere();
		}
	}

	/**
	 * Writes the row of an order of which only an item was touched. An item of a refund counts for its order.
	 *
	 * @param int $order_id Order or refund.
	 * @return int Row id, or 0 where there is nothing to tell.
	 */
	private static function harden( int $order_id ): int {
		$order = wc_get_order( $order_id );
		if ( $order instanceof \WC_Order_Refund ) {
			$order_id = (int) $order->get_parent_id();
			$order    = isset( self::$marked[ get_current_blog_id() ][ $order_id ] ) ? null : wc_get_order( $order_id );
		}
		return Order_Reader::is_told( $order ) ? Outbox::add( $order_id, 'item.changed' ) : 0;
	}

	/**
	 * Gives the buyer the answer, where the server interface can: php-fpm and LiteSpeed. Outside of the web nobody waits.
	 *
	 * @return bool Whether nobody waits any more.
	 */
	private static function finish_request(): bool {
		if ( in_array( PHP_SAPI, array( 'cli', 'phpdbg' ), true ) || wp_doing_cron() ) {
			return true;
		}
		if ( function_exists( 'fastcgi_finish_request' ) ) {
			return fastcgi_finish_request();
		}
		return function_exists( 'litespeed_finish_request' ) && litespeed_finish_request();
	}

	/**
	 * Where the buyer would have to wait (mod_php), another process is asked to send: by a signed request to ourselves
	 * that nobody waits for. When it does not arrive, the sweep sends a minute later.
	 */
	private static function run_elsewhere(): void {
		$id   = Client::id( 'msg' );
		$now  = time();
		$body = '{"type":"run"}';
		wp_remote_post(
			rest_url( Rest::SPACE . '/run' ),
			array(
				'blocking'  => false,
				'timeout'   => 0.01,
				'sslverify' => apply_filters( 'https_local_ssl_verify', false ), // phpcs:ignore WordPress.NamingConventions.PrefixAllGlobals.NonPrefixedHooknameFound -- WordPress's own.
				'body'      => $body,
				'headers'   => array(
					'Content-Type'      => 'application/json',
					'webhook-id'        => $id,
					'webhook-timestamp' => (string) $now,
					'webhook-signature' => Signature::sign( Connection::get( 'secret' ), $id, $now, $body ),
				),
			)
		);
	}
}
