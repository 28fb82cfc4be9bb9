<?php
/**
 * Fields of the settings tab.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce;

defined( 'ABSPATH' ) || exit;

/**
 * The settings a merchant can change, in WooCommerce's own format.
 */
final class Fields {

	/**
	 * What is so before anybody chooses.
	 *
	 * @return string[]
	 */
	public static function defaults(): array {
		return array(
			'upline_window_days'    => '30',
			'upline_consent'        => 'needed',
			'upline_field'          => 'no',
			'upline_account_tab'    => 'yes',
			'upline_coupon_percent' => '0',
			'upline_delete_meta'    => 'no',
		);
	}

	/**
	 * The attribution section.
	 *
	 * @return array
	 */
	public static function attribution(): array {
		$default = self::defaults();
		return array(
			array(
				'title' => __( 'Who brought the buyer', 'upline-for-woocommerce' ),
				'type'  => 'title',
				'id'    => 'upline_attribution',
				'desc'  => __( 'All of it is told to Upline, where your program decides what counts most.', 'upline-for-woocommerce' ),
			),
			array(
				'title'             => __( 'A visit counts for', 'upline-for-woocommerce' ),
				'desc'              => __( 'days', 'upline-for-woocommerce' ),
				'id'                => 'upline_window_days',
				'type'              => 'number',
				'default'           => $default['upline_window_days'],
				'css'               => 'width:6em',
				'custom_attributes' => array(
					'min'  => '1',
					'max'  => '365',
					'step' => '1',
				),
			),
			array(
				'title'    => __( 'Consent', 'upline-for-woocommerce' ),
				'desc_tip' => __( 'With a consent plugin that speaks the WP Consent API, the marketing consent always decides. This is for shops without one.', 'upline-for-woocommerce' ),
				'id'       => 'upline_consent',
				'type'     => 'select',
				'default'  => $default['upline_consent'],
				'options'  => array(
					'needed'  => __( 'Set no cookie without a consent plugin', 'upline-for-woocommerce' ),
					'implied' => __( 'My shop needs no consent for this cookie', 'upline-for-woocommerce' ),
				),
			),
			array(
				'title'   => __( 'Ask at checkout', 'upline-for-woocommerce' ),
				'desc'    => __( 'Show an optional field "Who referred you?"', 'upline-for-woocommerce' ),
				'id'      => 'upline_field',
				'type'    => 'checkbox',
				'default' => $default['upline_field'],
			),
			array(
				'title'   => __( 'My account', 'upline-for-woocommerce' ),
				'desc'    => __( 'Show distributors their earnings and their link', 'upline-for-woocommerce' ),
				'id'      => 'upline_account_tab',
				'type'    => 'checkbox',
				'default' => $default['upline_account_tab'],
			),
			array(
				'title'             => __( 'Coupons of distributors', 'upline-for-woocommerce' ),
				'desc'              => __( 'per cent off. Their codes are made as coupons once an hour; 0 makes none.', 'upline-for-woocommerce' ),
				'id'                => 'upline_coupon_percent',
				'type'              => 'number',
				'default'           => $default['upline_coupon_percent'],
				'css'               => 'width:6em',
				'custom_attributes' => array(
					'min'  => '0',
					'max'  => '100',
					'step' => '1',
				),
			),
			array(
				'title'   => __( 'When the plugin is deleted', 'upline-for-woocommerce' ),
				'desc'    => __( 'Delete what it wrote into orders and users too', 'upline-for-woocommerce' ),
				'id'      => 'upline_delete_meta',
				'type'    => 'checkbox',
				'default' => $default['upline_delete_meta'],
			),
			array(
				'type' => 'sectionend',
				'id'   => 'upline_attribution',
			),
		);
	}
}
