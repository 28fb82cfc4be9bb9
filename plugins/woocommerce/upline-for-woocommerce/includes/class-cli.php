<?php
/**
 * Commands for the command line.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Connects the shop to Upline, and sees to what waits.
 */
final class Cli {

	/**
	 * Shows how things stand.
	 *
	 * ## EXAMPLES
	 *
	 *     wp upline status
	 */
	public function status(): void {
		foreach ( Health::facts() as $name => $value ) {
			\WP_CLI::line( str_pad( $name, 14 ) . $value );
		}
	}

	/**
	 * Connects with a code made by "upline admin store connect".
	 *
	 * ## OPTIONS
	 *
	 * <server>
	 * : Address of the server.
	 *
	 * <code>
	 * : The code.
	 *
	 * ## EXAMPLES
	 *
	 *     wp upline connect https://upline.example.com CODE
	 *
	 * @param string[] $words Arguments.
	 */
	public function connect( array $words ): void {
		$server = Connect::server( $words[0] );
		$said   = '' === $server ? 'The address has to be like https://upline.example.com.' : Connect::claim( $server, $words[1] );
		if ( '' !== $said ) {
			\WP_CLI::error( $said );
		}
		\WP_CLI::success( 'Connected as ' . Connection::get( 'store_id' ) . '.' );
	}

	/**
	 * Disconnects.
	 */
	public function disconnect(): void {
		Connect::part();
		\WP_CLI::success( 'Disconnected.' );
	}

	/**
	 * Sends now what waits.
	 */
	public function retry(): void {
		Outbox::retry();
		Connection::remember(
			array(
				'circuit_until' => null,
				'paused_until'  => null,
				'pause_reason'  => null,
			)
		);
		do {
			$before = Outbox::depth()['depth'];
			Sweep::run();
			$left = Outbox::depth()['depth'];
		} while ( $left > 0 && $left < $before );
		if ( $left > 0 ) {
			\WP_CLI::error( $left . ' wait still: ' . (string) Connection::state( 'last_error' ) );
		}
		\WP_CLI::success( 'Everything was told.' );
	}

	/**
	 * Tells past orders, or some orders once more.
	 *
	 * ## OPTIONS
	 *
	 * [--from=<day>]
	 * : First day, for example 2026-01-01.
	 *
	 * [--to=<day>]
	 * : Last day.
	 *
	 * [--orders=<ids>]
	 * : Order ids, parted by commas, instead of days.
	 *
	 * ## EXAMPLES
	 *
	 *     wp upline resync --from=2026-01-01 --to=2026-06-30
	 *     wp upline resync --orders=1001,1002
	 *
	 * @param string[] $words   Arguments.
	 * @param string[] $options Options.
	 */
	public function resync( array $words, array $options ): void {
		if ( ! Connection::is_connected() ) {
			\WP_CLI::error( 'This shop is not connected.' );
		}
		if ( isset( $options['orders'] ) ) {
			foreach ( array_filter( array_map( 'intval', explode( ',', $options['orders'] ) ) ) as $id ) {
				Outbox::add( $id, 'resent', 0 );
			}
			$this->retry();
			return;
		}
		$from = date_create_immutable( $options['from'] ?? '', wp_timezone() );
		$to   = date_create_immutable( $options['to'] ?? '', wp_timezone() );
		if ( ! $from || ! $to || empty( $options['from'] ) || empty( $options['to'] ) || $to < $from ) {
			\WP_CLI::error( 'Name the first and the last day: --from=2026-01-01 --to=2026-06-30.' );
		}
		$state = Backfill::start( $from->getTimestamp(), $to->modify( '+1 day' )->getTimestamp() );
		\WP_CLI::line( $state['total'] . ' orders.' );
		while ( Backfill::step() ) {
			$before = Outbox::depth()['depth'];
			Sweep::run();
			if ( Outbox::depth()['depth'] >= $before && $before > 0 ) {
				\WP_CLI::error( 'Stopped after ' . Backfill::state()['done'] . ': ' . (string) Connection::state( 'last_error' ) . ' The rest goes on in the background.' );
			}
			\WP_CLI::line( Backfill::state()['done'] . ' of ' . $state['total'] );
		}
		$this->retry();
	}
}
