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
	 * A batch is sent once it has this many bytes; the server takes eight times as many.
	 */
	const BATCH_BYTES = MB_IN_BYTES;

	/**
	 * Sends rows: one as itself, several in batches. Never throws. Everything is written before anything is sent, with few
	 * writes to the disk: one for taking the rows and their sequences, one for the snapshots, one for what was delivered.
	 *
	 * @param object[] $rows    As read from the outbox, at most one of an order.
	 * @param float    $timeout Seconds for the server.
	 * @return bool Whether it makes sense to send more now.
	 */
	public static function send( array $rows, float $timeout = 10.0 ): bool {
		if ( '' !== Connection::hindrance() ) {
			return false;
		}
		$batch = array();
		$bytes = 0;
		try {
			$rows = self::with_payloads( self::claim( self::from_here( $rows ) ) );
		} catch ( \Throwable $fault ) {
			// The database does not let us: what was taken is taken back a minute later.
			Plugin::$faults[] = $fault->getMessage();
			return false;
		}
		foreach ( $rows as $i => $row ) {
			$batch[] = $row;
			$bytes  += strlen( $row->payload );
			if ( isset( $rows[ $i + 1 ] ) && $bytes < self::BATCH_BYTES ) {
				continue;
			}
			if ( ! self::tell( $batch, $timeout ) ) {
				foreach ( array_slice( $rows, $i + 1 ) as $left ) {
					Outbox::release( $left );
				}
				return false;
			}
			$batch = array();
			$bytes = 0;
		}
		return true;
	}

	/**
	 * Sees to it that no row speaks from another address than the shop has now: its database may be that of a copy, or have been
	 * moved by a tool that knows nothing of us. Such a body would be refused for ever, and hold up the others.
	 *
	 * @param object[] $rows Rows.
	 * @return object[] The same, read anew where they were written anew.
	 */
	private static function from_here( array $rows ): array {
		$site = '"site":' . wp_json_encode( Connection::here() ) . ',';
		foreach ( $rows as $row ) {
			if ( null !== $row->payload && false === strpos( $row->payload, $site ) ) {
				Outbox::readdress( Connection::here() );
				return array_values( array_filter( array_map( array( Outbox::class, 'get' ), array_map( 'intval', array_column( $rows, 'id' ) ) ) ) );
			}
		}
		return $rows;
	}

	/**
	 * Takes rows for sending and, for those without a snapshot, the sequences of their orders. A sequence is taken before
	 * its order is read: whoever has the highest one has read the order last.
	 *
	 * @param object[] $rows Rows.
	 * @return object[] Those that nobody else has taken.
	 */
	private static function claim( array $rows ): array {
		$held  = Told::held( array_map( 'intval', array_column( $rows, 'order_id' ) ) );
		$taken = Outbox::together(
			static function () use ( $rows, $held ) {
				$taken = array();
				foreach ( $rows as $row ) {
					if ( ! Outbox::claim( $row ) ) {
						continue;
					}
					$row->attempts = (int) $row->attempts + 1;
					if ( null === $row->payload || '' === $row->event_id ) {
						$row->payload  = null;
						$row->sequence = Told::take( (int) $row->order_id, $held[ (int) $row->order_id ] ?? null );
					}
					$taken[] = $row;
				}
				return $taken;
			}
		);
		foreach ( $taken as $row ) {
			if ( null === $row->payload && 0 === $row->sequence ) {
				$row->sequence = Told::next_sequence( (int) $row->order_id );
			}
		}
		return $taken;
	}

	/**
	 * Sees to it that rows have their snapshots. A row of what is no order (a draft, a subscription) has none and is done.
	 *
	 * @param object[] $rows Rows, claimed.
	 * @return object[] Those to be sent.
	 */
	private static function with_payloads( array $rows ): array {
		$told = Told::rows( array_map( 'intval', array_column( $rows, 'order_id' ) ) );
		$made = array();
		$done = array();
		foreach ( $rows as $row ) {
			if ( null !== $row->payload ) {
				continue;
			}
			try {
				$order = Order_Reader::find( (int) $row->order_id );
				if ( $order ) {
					$made[ $row->id ] = self::made( $order, $told[ (int) $row->order_id ], (string) $row->cause, $row->sequence );
					$row->payload     = (string) wp_json_encode( $made[ $row->id ]['event'] );
					$row->event_id    = $made[ $row->id ]['event']['event_id'];
				}
			} catch ( \Throwable $fault ) {
				self::put_back( $row, 'the snapshot could not be made: ' . $fault->getMessage(), Delay::after( (int) $row->attempts, wp_rand( 0, 999 ) ) );
				$done[ $row->id ] = true;
			}
		}
		Outbox::together(
			static function () use ( $rows, $made, &$done ) {
				foreach ( $rows as $row ) {
					if ( isset( $made[ $row->id ] ) ) {
						Told::remember( (int) $row->order_id, $row->sequence, $made[ $row->id ]['remember'] );
						Outbox::set(
							(int) $row->id,
							array(
								'cause'    => $row->cause,
								'payload'  => $row->payload,
								'event_id' => $row->event_id,
								'sequence' => $row->sequence,
							)
						);
					} elseif ( null === $row->payload && ! isset( $done[ $row->id ] ) ) {
						Outbox::delivered( $row );
						$done[ $row->id ] = true;
					}
				}
			}
		);
		return array_values(
			array_filter(
				$rows,
				static function ( $row ) use ( $done ) {
					return ! isset( $done[ $row->id ] );
				}
			)
		);
	}

	/**
	 * Makes a new event of an order, under a new sequence, and remembers it.
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
		$order    = $deleted ? $order : ( Order_Reader::find( $order_id ) ?? $order );
		$made     = self::made( $order, Told::row( $order_id ), $cause, $sequence, $deleted );
		Told::remember( $order_id, $sequence, $made['remember'] );
		return $made['event'];
	}

	/**
	 * The event of an order as it was read, and what has to be remembered of it.
	 *
	 * @param \WC_Order $order    The order.
	 * @param array     $told     What was told before.
	 * @param string    $cause    What happened.
	 * @param int       $sequence The event's.
	 * @param bool      $deleted  Whether it is being deleted for good.
	 * @return array {event, remember}.
	 */
	private static function made( \WC_Order $order, array $told, string $cause, int $sequence, bool $deleted = false ): array {
		$told['history'] = array_slice( array_merge( $told['history'], Watch::history( $order->get_id() ) ), -Told::HISTORY );

		$now   = time();
		$body  = Order_Reader::read( $order, $told, $deleted );
		$event = Snapshot::event( $body, Order_Reader::shop(), Client::id( 'evt' ), $sequence, $cause, $now );
		$made  = $order->get_date_created();
		return array(
			'event'    => $event,
			'remember' => array(
				'event_id'   => $event['event_id'],
				'digest'     => Snapshot::digest( $body ),
				'told_at'    => $now,
				'created_at' => $made ? $made->getTimestamp() : 0,
				'gone'       => $deleted ? 1 : 0,
				'history'    => $told['history'],
				'known'      => Snapshot::remember( $told['known'], $body ),
			),
		);
	}

	/**
	 * Tells rows in one request. Where the server cannot take one of several, each is told alone: the others are not held up.
	 *
	 * @param object[] $rows    Rows with their snapshots.
	 * @param float    $timeout Seconds for the server.
	 * @return bool Whether it makes sense to send more now.
	 */
	private static function tell( array $rows, float $timeout ): bool {
		if ( 1 === count( $rows ) ) {
			return self::settle( $rows, Client::post( Connection::get( 'webhook_url' ), $rows[0]->payload, $rows[0]->event_id, $timeout ) );
		}
		$answer = Client::post( Connection::get( 'webhook_url' ), Snapshot::batch( Connection::here(), array_column( $rows, 'payload' ) ), '', $timeout );
		if ( ! Answer::is_about_one( $answer['status'], $answer['field'] ) ) {
			return self::settle( $rows, $answer );
		}
		foreach ( $rows as $i => $row ) {
			if ( ! self::tell( array( $row ), $timeout ) ) {
				foreach ( array_slice( $rows, $i + 1 ) as $left ) {
					Outbox::release( $left );
				}
				return false;
			}
		}
		return true;
	}

	/**
	 * Does what the answer asks for.
	 *
	 * @param object[] $rows   The rows that were told.
	 * @param array    $answer As from Client::post().
	 * @return bool Whether it makes sense to send more now.
	 */
	private static function settle( array $rows, array $answer ): bool {
		$decision = Answer::decide( $answer['status'], $answer['field'] );
		$sentence = Answer::sentence( $answer['status'], $answer['detail'] );
		if ( Answer::SENT === $decision ) {
			self::delivered( $rows );
			return true;
		}
		$state   = array(
			'last_failed' => time(),
			'last_error'  => $sentence,
		);
		$goes_on = in_array( $decision, array( Answer::TOO_LARGE, Answer::REFUSED ), true );
		$pauses  = in_array( $decision, array( Answer::UNKNOWN, Answer::ANOTHER_SITE ), true );
		if ( $pauses ) {
			$state['paused_until'] = time() + Delay::PAUSE;
			$state['pause_reason'] = $decision;
		} elseif ( ! $goes_on ) {
			$state['circuit_until'] = time() + Delay::CIRCUIT;
		}
		foreach ( $rows as $row ) {
			$delay = Delay::asked( $answer['retry_after'], Delay::after( (int) $row->attempts, wp_rand( 0, 999 ) ) );
			$delay = $goes_on ? Delay::REFUSED : ( $pauses ? Delay::PAUSE : $delay );
			self::put_back( $row, $sentence, $delay, $goes_on ? $decision : 'ready' );
		}
		Connection::remember( $state );
		return $goes_on;
	}

	/**
	 * Marks rows as sent; an order's notes say so where they said that it was not.
	 *
	 * @param object[] $rows The rows.
	 */
	private static function delivered( array $rows ): void {
		$recovers = null !== Connection::state( 'circuit_until' ) || null !== Connection::state( 'pause_reason' );
		// Without a failure in memory nothing was noted: no question costs a buyer's request anything.
		$noted = null === Connection::state( 'last_failed' ) ? array() : Outbox::noted( array_map( 'intval', array_column( $rows, 'order_id' ) ) );
		Outbox::together(
			static function () use ( $rows ) {
				array_map( array( Outbox::class, 'delivered' ), $rows );
			}
		);
		// Once a minute is enough; a time to come is one from before the shop's clock was set right.
		if ( $recovers || abs( time() - (int) Connection::state( 'last_sent' ) ) > MINUTE_IN_SECONDS ) {
			Connection::remember(
				array(
					'last_sent'     => time(),
					'circuit_until' => null,
					'paused_until'  => null,
					'pause_reason'  => null,
				)
			);
		}
		if ( $recovers ) {
			Outbox::wake();
		}
		foreach ( $noted as $order_id ) {
			self::note( $order_id, __( 'Upline has now been told of this order.', 'upline-for-woocommerce' ) );
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
		$refused  = in_array( $state, array( Answer::REFUSED, Answer::TOO_LARGE ), true );
		$notes    = ( $refused || (int) $row->attempts >= self::NOTE_AFTER ) && ! Outbox::noted( array( (int) $row->order_id ) );
		$members  = array(
			'state'      => 'ready' === $state && null === $row->payload ? 'dirty' : $state,
			'due_at'     => time() + $delay,
			'last_error' => substr( $sentence, 0, 240 ),
		);
		Outbox::set( (int) $row->id, $notes ? array_merge( $members, array( 'noted' => 1 ) ) : $members );
		if ( $notes ) {
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
