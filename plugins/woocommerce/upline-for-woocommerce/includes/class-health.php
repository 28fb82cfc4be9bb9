<?php
/**
 * Site Health and WooCommerce's status report.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * Says in the places where admins look whether everything was told. No secret is shown.
 */
final class Health {

	/**
	 * Registers.
	 */
	public static function register(): void {
		add_filter( 'site_status_tests', array( self::class, 'tests' ) );
		add_action( 'woocommerce_system_status_report', Plugin::guard( array( self::class, 'report' ) ) );
	}

	/**
	 * Adds the test.
	 *
	 * @param array $tests Tests.
	 * @return array
	 */
	public static function tests( $tests ) {
		if ( Connection::is_connected() ) {
			$tests['direct']['upline'] = array(
				'label' => __( 'Upline', 'upline-for-woocommerce' ),
				'test'  => array( self::class, 'test' ),
			);
		}
		return $tests;
	}

	/**
	 * The test: no network, only the queue.
	 *
	 * @return array
	 */
	public static function test(): array {
		$alarm = Settings::alarm();
		$good  = '' === $alarm;
		return array(
			'label'       => $good ? __( 'Upline was told of every order', 'upline-for-woocommerce' ) : __( 'Upline was not told of every order', 'upline-for-woocommerce' ),
			'status'      => $good ? 'good' : 'critical',
			'badge'       => array(
				'label' => __( 'Upline', 'upline-for-woocommerce' ),
				'color' => 'blue',
			),
			'description' => '<p>' . esc_html( $good ? __( 'Nothing waits for longer than a few minutes.', 'upline-for-woocommerce' ) : ucfirst( $alarm ) ) . '</p>',
			'actions'     => '<p><a href="' . esc_url( Settings::url() ) . '">' . esc_html__( 'Open the status', 'upline-for-woocommerce' ) . '</a></p>',
			'test'        => 'upline',
		);
	}

	/**
	 * Facts for whoever helps.
	 *
	 * @return array Name and value.
	 */
	public static function facts(): array {
		$depth = Outbox::depth();
		return array(
			'Connected'    => Connection::is_connected() ? Connection::site() : 'no',
			'Server'       => Connection::get( 'server' ),
			'Store'        => Connection::get( 'store_id' ),
			'Held up by'   => Connection::hindrance(),
			'Waiting'      => (string) $depth['depth'],
			'Need help'    => (string) $depth['failed'],
			'Oldest'       => (string) Logic\Snapshot::time( $depth['oldest'] ),
			'Last told'    => (string) Logic\Snapshot::time( Connection::state( 'last_sent' ) ),
			'Last error'   => (string) Connection::state( 'last_error' ),
			'Clock offset' => (string) (int) Connection::state( 'clock_offset' ),
		);
	}

	/**
	 * Adds a table to WooCommerce > Status.
	 */
	public static function report(): void {
		echo '<table class="wc_status_table widefat" cellspacing="0"><thead><tr><th colspan="3" data-export-label="Upline"><h2>Upline</h2></th></tr></thead><tbody>';
		foreach ( self::facts() as $name => $value ) {
			printf( '<tr><td data-export-label="%s">%s:</td><td class="help"></td><td>%s</td></tr>', esc_attr( $name ), esc_html( $name ), esc_html( $value ) );
		}
		echo '</tbody></table>';
	}
}
