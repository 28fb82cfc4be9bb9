<?php
/**
 * The logic runs without WordPress; what little it expects of it is here.
 *
 * @package Upline\WooCommerce
 */

define( 'ABSPATH', __DIR__ );

foreach ( array( 'decimal', 'signature', 'delay', 'answer', 'reference', 'site', 'snapshot' ) as $upline_part ) {
	require __DIR__ . '/../includes/logic/class-' . $upline_part . '.php';
}
