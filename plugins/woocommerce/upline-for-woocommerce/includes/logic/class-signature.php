<?php
/**
 * Signatures of the plugin channel.
 *
 * @package Upline\WooCommerce
 */

namespace Upline\WooCommerce\Logic;

defined( 'ABSPATH' ) || exit;

/**
 * Signs and checks messages as Standard Webhooks do: HMAC-SHA256 over "id.timestamp.body".
 */
final class Signature {

	/**
	 * How far the other side's clock may be off, in seconds.
	 */
	const TOLERANCE = 300;

	/**
	 * The shape of a message id.
	 */
	const ID = '/^[A-Za-z0-9._-]{1,128}$/D';

	/**
	 * The value of the webhook-signature header.
	 *
	 * @param string $secret    The store's secret; its text is the key.
	 * @param string $id        Message id.
	 * @param int    $timestamp Seconds since 1970.
	 * @param string $body      The bytes sent.
	 * @return string
	 */
	public static function sign( string $secret, string $id, int $timestamp, string $body ): string {
		// Base64 is what the specification of Standard Webhooks asks for.
		return 'v1,' . base64_encode( hash_hmac( 'sha256', $id . '.' . $timestamp . '.' . $body, $secret, true ) ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_encode
	}

	/**
	 * Why a message is refused, or '' when it is genuine.
	 *
	 * @param string[] $secrets   The secrets that count, newest first.
	 * @param string   $id        The webhook-id header.
	 * @param string   $timestamp The webhook-timestamp header.
	 * @param string   $signature The webhook-signature header: one or more "v1,..." parted by spaces.
	 * @param string   $body      The bytes received.
	 * @param int      $now       Seconds since 1970.
	 * @return string '', 'malformed', 'clock' or 'signature'.
	 */
	public static function fault( array $secrets, string $id, string $timestamp, string $signature, string $body, int $now ): string {
		if ( 1 !== preg_match( self::ID, $id ) || 1 !== preg_match( '/^\d{1,12}$/D', $timestamp ) || strlen( $signature ) > 1024 ) {
			return 'malformed';
		}
		$genuine = false;
		foreach ( $secrets as $secret ) {
			if ( '' === $secret ) {
				continue;
			}
			$wanted = self::sign( $secret, $id, (int) $timestamp, $body );
			foreach ( explode( ' ', $signature ) as $given ) {
				$genuine = hash_equals( $wanted, $given ) || $genuine;
			}
		}
		if ( ! $genuine ) {
			return 'signature';
		}
		return abs( $now - (int) $timestamp ) > self::TOLERANCE ? 'clock' : '';
	}
}
