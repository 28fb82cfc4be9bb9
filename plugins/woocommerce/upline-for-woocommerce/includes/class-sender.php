<?php
/**
 * Sending what is in the outbox.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

use Upline\WooCommerce\Logic\Answer;
use Upline\WooCommerce\Logic\Delay;
use Upline\WooCommerce\Logic\Snapshot;

defined( 'ABSPATH' ) || exit;

/**
 * Makes the snapshot of a row and sends it.
 */
final class Sender {

	/**
	 * In a buyer's process the server gets no more time than this, in seconds.
	 */
	const INLINE_TIMEOUT = 2.0;

	/**
	 * After so many failed attempts the order's notes say so.
	 */
	const NOTE_AFTER = 6;

	/**
	 * Sends one row. Never throws.
	 *
	 * @param object $row     As read from the outbox.
	 * @param float  $timeout Seconds for the server.
	 * @return bool Whether it makes sense to send another one now.
	 */
	public static function send( $row, float $timeout = 10.0 ): bool {
		if ( '' !== Connection::hindrance() ) {
			return false;
		}
		if ( ! Outbox::claim( $row ) ) {
			return true;
		}
		$row->attempts = (int) $row->attempts + 1;
		try {
			$row = self::with_payload( $row );
		} catch ( \Throwable $fault ) {
			self::put_back( $row, 'the snapshot could not be made: ' . $fault->getMessage(), Delay::after( (int) $row->attempts, wp_rand( 0, 999 ) ) );
			return true;
		}
		if ( null === $row->payload ) {
			Outbox::delivered( $row );
			return true;
		}
		return self::settle( $row, Client::post( Connection::get( 'webhook_url' ), $row->payload, $row->event_id, $timeout ) );
	}

	/**
	 * Sees to it that a row has its snapshot. Rows of orders that are none (a draft, a subscription) have none.
	 *
	 * @param object $row The row, claimed.
	 * @return object The row.
	 */
	private static function with_payload( $row ) {
		if ( null !== $row->payload && '' !== $row->event_id ) {
			return $row;
		}
		$order = Order_Reader::find( (int) $row->order_id );
		if ( ! $order ) {
			$row->payload = null;
			return $row;
		}
		$event         = self::snapshot( $order, (string) $row->cause );
		$row->payload  = (string) wp_json_encode( $event );
		$row->event_id = $event['event_id'];
		Outbox::set(
			(int) $row->id,
			array(
				'cause'    => $event['cause'],
				'payload'  => $row->payload,
				'event_id' => $row->event_id,
				'sequence' => $event['sequence'],
			)
		);
		return $row;
	}

	/**
	 * Makes a new event of an order, under a new sequence. The sequence is taken before the order is read: whoever has
	 * the highest one has read the order last.
	 *
	 * @param \WC_Order $order   The order.
	 * @param string    $cause   What happened.
	 * @param bool      $deleted Whether it is being deleted for good.
	 * @param int       $above   The sequence has to be above this.
	 * @return array The event.
	 */
	public static function snapshot( \WC_Order $order, string $cause, bool $deleted = false, int $above = 0 ): array {
		$order_id = $order->get_id();
		$sequence = Told::next_sequence( $order_id, $above );
		$told     = Told::row( $order_id );
		$order    = $deleted ? $order : ( Order_Reader::find( $order_id ) ?? $order );

		$told['history'] = array_slice( array_merge( $told['history'], Watch::history( $order_id ) ), -Told::HISTORY );

		$now   = time();
		$body  = Order_Reader::read( $order, $told, $deleted );
		$event = Snapshot::event( $body, Order_Reader::shop(), Client::id( 'evt' ), $sequence, $cause, $now );
		$made  = $order->get_date_created();
		Told::remember(
			$order_id,
			$sequence,
			array(
				'event_id'   => $event['event_id'],
				'digest'     => Snapshot::digest( $body ),
				'told_at'    => $now,
				'created_at' => $made ? $made->getTimestamp() : 0,
				'gone'       => $deleted ? 1 : 0,
				'history'    => $told['history'],
				'known'      => Snapshot::remember( $told['known'], $body ),
			)
		);
		return $event;
	}

	/**
	 * Does what the answer asks for.
	 *
	 * @param object $row    The row.
	 * @param array  $answer As from Client::post().
	 * @return bool Whether it makes sense to send another one now.
	 */
	private static function settle( $row, array $answer ): bool {
		$decision = Answer::decide( $answer['status'], $answer['field'] );
		$sentence = Answer::sentence( $answer['status'], $answer['detail'] );
		if ( Answer::SENT === $decision ) {
			self::delivered( $row );
			return true;
		}
		$delay = Delay::asked( $answer['retry_after'], Delay::after( (int) $row->attempts, wp_rand( 0, 999 ) ) );
		$state = array(
			'last_failed' => time(),
			'last_error'  => $sentence,
		);
		switch ( $decision ) {
			case Answer::TOO_LARGE:
			case Answer::REFUSED:
				self::put_back( $row, $sentence, Delay::REFUSED, $decision );
				break;
			case Answer::UNKNOWN:
			case Answer::ANOTHER_SITE:
				$state['paused_until'] = time() + Delay::PAUSE;
				$state['pause_reason'] = $decision;
				self::put_back( $row, $sentence, Delay::PAUSE );
				break;
			default:
				$state['circuit_until'] = time() + Delay::CIRCUIT;
				self::put_back( $row, $sentence, $delay );
		}
		Connection::remember( $state );
		return in_array( $decision, array( Answer::TOO_LARGE, Answer::REFUSED ), true );
	}

	/**
	 * Marks a row as sent; the order's notes say so where they said that it was not.
	 *
	 * @param object $row The row.
	 */
	private static function delivered( $row ): void {
		Outbox::delivered( $row );
		$last = (int) Connection::state( 'last_sent' );
		if ( $last < time() - MINUTE_IN_SECONDS || null !== Connection::state( 'circuit_until' ) || null !== Connection::state( 'pause_reason' ) ) {
			Connection::remember(
				array(
					'last_sent'     => time(),
					'circuit_until' => null,
					'paused_until'  => null,
					'pause_reason'  => null,
				)
			);
		}
		if ( (int) $row->attempts > self::NOTE_AFTER ) {
			self::note( (int) $row->order_id, __( 'Upline has now been told of this order.', 'upline-for-woocommerce' ) );
		}
	}

	/**
	 * Keeps a row for later.
	 *
	 * @param object $row      The row.
	 * @param string $sentence Why.
	 * @param int    $delay    Seconds.
	 * @param string $state    ready, refused or too_large; a row without a snapshot stays dirty.
	 */
	private static function put_back( $row, string $sentence, int $delay, string $state = 'ready' ): void {
		$sentence = (string) wp_check_invalid_utf8( $sentence, true );
		Outbox::set(
			(int) $row->id,
			array(
				'state'      => 'ready' === $state && null === $row->payload ? 'dirty' : $state,
				'due_at'     => time() + $delay,
				'last_error' => substr( $sentence, 0, 240 ),
			)
		);
		$refused = in_array( $state, array( Answer::REFUSED, Answer::TOO_LARGE ), true );
		if ( self::NOTE_AFTER === (int) $row->attempts || ( $refused && 1 === (int) $row->attempts ) ) {
			/* translators: %s: what went wrong */
			self::note( (int) $row->order_id, sprintf( __( 'Upline could not be told of this order yet (%s). It will be tried again; nothing is lost.', 'upline-for-woocommerce' ), $sentence ) );
		}
	}

	/**
	 * Adds a private note to an order.
	 *
	 * @param int    $order_id Order.
	 * @param string $text     Text.
	 */
	private static function note( int $order_id, string $text ): void {
		try {
			Watch::$muted = true;
			$order        = wc_get_order( $order_id );
			if ( $order instanceof \WC_Order ) {
				$order->add_order_note( esc_html( $text ) );
			}
		} catch ( \Throwable $fault ) {
			Plugin::$faults[] = $fault->getMessage();
		} finally {
			Watch::$muted = false;
		}
	}
}
