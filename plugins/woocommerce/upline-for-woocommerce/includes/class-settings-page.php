<?php
/**
 * What the settings tab shows.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * The tab with its sections: connection, queue, attribution. WooCommerce's own form and fields; no frame, no script.
 */
final class Settings_Page extends \WC_Settings_Page {

	/**
	 * Names the tab.
	 */
	public function __construct() {
		$this->id    = 'upline';
		$this->label = __( 'Upline', 'upline-for-woocommerce' );
		parent::__construct();
	}

	/**
	 * The sections.
	 *
	 * @return array
	 */
	protected function get_own_sections() {
		return array(
			''            => __( 'Connection', 'upline-for-woocommerce' ),
			'queue'       => __( 'Queue', 'upline-for-woocommerce' ),
			'attribution' => __( 'Attribution', 'upline-for-woocommerce' ),
		);
	}

	/**
	 * The fields of the attribution section.
	 *
	 * @return array
	 */
	protected function get_settings_for_attribution_section() {
		return Fields::attribution();
	}

	/**
	 * Shows a section.
	 */
	public function output() {
		global $current_section, $hide_save_button;
		if ( 'attribution' === $current_section ) {
			parent::output();
			if ( Connection::is_connected() && (int) get_option( 'upline_coupon_percent', 0 ) > 0 ) {
				Status_View::coupons();
			}
			return;
		}
		$hide_save_button = true; // phpcs:ignore WordPress.WP.GlobalVariablesOverride.Prohibited, WordPress.NamingConventions.PrefixAllGlobals.NonPrefixedVariableFound -- how WooCommerce wants it.
		if ( 'queue' === $current_section ) {
			Status_View::queue();
		} else {
			Status_View::connection();
		}
	}

	/**
	 * Saves fields, or does what a button asks for. WooCommerce calls it after it has checked its nonce.
	 */
	public function save() {
		// phpcs:disable WordPress.Security.NonceVerification.Missing
		$what = isset( $_POST['upline_do'] ) ? sanitize_text_field( wp_unslash( $_POST['upline_do'] ) ) : '';
		if ( '' === $what ) {
			parent::save();
			return;
		}
		$fields = array();
		foreach ( array( 'upline_server', 'upline_code', 'upline_from', 'upline_to' ) as $name ) {
			$fields[ $name ] = isset( $_POST[ $name ] ) ? sanitize_text_field( wp_unslash( $_POST[ $name ] ) ) : '';
		}
		// phpcs:enable
		Settings::act( $what, $fields );
		wp_safe_redirect( Settings::url( isset( $GLOBALS['current_section'] ) ? (string) $GLOBALS['current_section'] : '' ) );
		exit;
	}
}
