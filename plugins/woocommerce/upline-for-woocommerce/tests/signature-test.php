<?php
/**
 * Tests of Signature.
 *
 * @package Upline\WooCommerce
 */

use PHPUnit\Framework\TestCase;
use Upline\WooCommerce\Logic\Signature;

/**
 * Signatures of the plugin channel.
 */
final class Signature_Test extends TestCase {

	const NOW = 1767225600;

	/**
	 * The vector of docs/plugin-protocol.md.
	 */
	public function test_vector(): void {
		$this->assertSame( 'v1,IMqiW1Or+sE+oOA7QeG6fxQJKKzId0aImvdj5LdoazM=', Signature::sign( 'ups_test', 'evt_1', self::NOW, '{"type":"test"}' ) );
	}

	/**
	 * What is genuine, and what is not.
	 *
	 * @return array
	 */
	public function messages(): array {
		$good  = Signature::sign( 'ups_new', 'evt_1', self::NOW, 'body' );
		$old   = Signature::sign( 'ups_old', 'evt_1', self::NOW, 'body' );
		$empty = Signature::sign( '', 'evt_1', self::NOW, 'body' );
		$now   = (string) self::NOW;
		return array(
			'genuine'             => array( 'evt_1', $now, $good, 'body', 0, '' ),
			'old secret'          => array( 'evt_1', $now, $old, 'body', 0, '' ),
			'one of several fits' => array( 'evt_1', $now, 'v1,AAAA ' . $good, 'body', 0, '' ),
			'five minutes late'   => array( 'evt_1', $now, $good, 'body', 300, '' ),
			'later'               => array( 'evt_1', $now, $good, 'body', 301, 'clock' ),
			'from the future'     => array( 'evt_1', $now, $good, 'body', -301, 'clock' ),
			'another id'          => array( 'evt_2', $now, $good, 'body', 0, 'signature' ),
			'another time'        => array( 'evt_1', '1767225601', $good, 'body', 0, 'signature' ),
			'another body'        => array( 'evt_1', $now, $good, 'body ', 0, 'signature' ),
			'empty secret'        => array( 'evt_1', $now, $empty, 'body', 0, 'signature' ),
			'no version'          => array( 'evt_1', $now, substr( $good, 3 ), 'body', 0, 'signature' ),
			'none'                => array( 'evt_1', $now, '', 'body', 0, 'signature' ),
			'no id'               => array( '', $now, $good, 'body', 0, 'malformed' ),
			'id with a point'     => array( "evt_1\n", $now, $good, 'body', 0, 'malformed' ),
			'time in words'       => array( 'evt_1', 'now', $good, 'body', 0, 'malformed' ),
			'time below zero'     => array( 'evt_1', '-5', $good, 'body', 0, 'malformed' ),
		);
	}

	/**
	 * Each of them.
	 *
	 * @dataProvider messages
	 * @param string $id        Id.
	 * @param string $timestamp Time.
	 * @param string $signature Signature.
	 * @param string $body      Body.
	 * @param int    $late      Seconds.
	 * @param string $fault     What is wrong.
	 */
	public function test_fault( string $id, string $timestamp, string $signature, string $body, int $late, string $fault ): void {
		$this->assertSame( $fault, Signature::fault( array( 'ups_new', '', 'ups_old' ), $id, $timestamp, $signature, $body, self::NOW + $late ) );
	}

	/**
	 * Without a secret nothing is genuine.
	 */
	public function test_no_secret(): void {
		$this->assertSame( 'signature', Signature::fault( array(), 'evt_1', (string) self::NOW, Signature::sign( '', 'evt_1', self::NOW, '' ), '', self::NOW ) );
	}
}
