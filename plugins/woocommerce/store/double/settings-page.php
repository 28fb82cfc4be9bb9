<?php
/**
 * The base of a settings tab.
 *
 * @package Upline\WooCommerce\Store
 */

defined( 'ABSPATH' ) || exit;

/** A tab. */
abstract class WC_Settings_Page {
	/** @var string */
	protected $id = '';
	/** @var string */
	protected $label = '';
	public function __construct() {}
	protected function get_own_sections() { return array(); }
	private function fields(): array {
		$method = 'get_settings_for_' . $GLOBALS['current_section'] . '_section';
		return method_exists( $this, $method ) ? array_filter( $this->$method(), static function ( $field ) { return ! in_array( $field['type'], array( 'title', 'sectionend' ), true ); } ) : array();
	}
	public function sections() {
		foreach ( $this->get_own_sections() as $id => $label ) {
			echo '<a href="' . esc_url( admin_url( 'admin.php?page=wc-settings&tab=' . $this->id . '&section=' . $id ) ) . '">' . esc_html( $label ) . '</a> ';
		}
	}
	public function output() {
		foreach ( $this->fields() as $field ) {
			echo '<p><label>' . esc_html( $field['title'] ) . ' <input name="' . esc_attr( $field['id'] ) . '" value="' . esc_attr( (string) get_option( $field['id'], $field['default'] ) ) . '"></label></p>';
		}
	}
	public function save() {
		foreach ( $this->fields() as $field ) {
			if ( isset( $_POST[ $field['id'] ] ) ) { // phpcs:ignore
				update_option( $field['id'], sanitize_text_field( wp_unslash( $_POST[ $field['id'] ] ) ) ); // phpcs:ignore
			}
		}
	}
}
