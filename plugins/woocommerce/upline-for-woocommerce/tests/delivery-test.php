<?php
/**
 * Tests of what happens after an attempt.
 *
 * @package Upline\WooCommerce
 */

use PHPUnit\Framework\TestCase;
use Upline\WooCommerce\Logic\Answer;
use Upline\WooCommerce\Logic\Delay;

/**
 * Delays, and decisions by the answer.
 */
final class Delivery_Test extends TestCase {

	/**
	 * The answers of docs/plugin-protocol.md, section 2.
	 *
	 * @return array
	 */
	public function answers(): array {
		return array(
			array( 200, '', Answer::SENT ),
			array( 401, 'webhook-timestamp', Answer::CLOCK ),
			array( 401, 'webhook-signature', Answer::UNKNOWN ),
			array( 401, '', Answer::UNKNOWN ),
			array( 403, 'site', Answer::ANOTHER_SITE ),
			array( 403, '', Answer::REFUSED ),
			array( 404, '', Answer::UNKNOWN ),
			array( 405, '', Answer::UNKNOWN ),
			array( 413, '', Answer::TOO_LARGE ),
			array( 422, 'order.lines[0].total', Answer::REFUSED ),
			array( 400, '', Answer::REFUSED ),
			array( 408, '', Answer::LATER ),
			array( 409, 'webhook-id', Answer::LATER ),
			array( 425, '', Answer::LATER ),
			array( 429, '', Answer::LATER ),
			array( 500, '', Answer::LATER ),
			array( 503, '', Answer::LATER ),
			array( 0, '', Answer::LATER ),
			'no answer of ours'  => array( 204, '', Answer::LATER ),
			'nor is this'        => array( 202, '', Answer::LATER ),
			'never followed'     => array( 301, '', Answer::LATER ),
			'nor for a while'    => array( 302, '', Answer::LATER ),
		);
	}

	/**
	 * What a batch is told alone after: each fault that one event of several may have, and none that all share.
	 */
	public function test_what_may_be_about_one(): void {
		$about_one = array();
		foreach ( array( 0, 200, 302, 400, 401, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504 ) as $status ) {
			if ( Answer::is_about_one( $status ) ) {
				$about_one[] = $status;
			}
		}
		$this->assertSame( array( 400, 413, 422, 500 ), $about_one );
		$this->assertFalse( Answer::is_about_one( 403, 'site' ) );
		$this->assertFalse( Answer::is_about_one( 401, 'webhook-timestamp' ) );
	}

	/**
	 * Each of them.
	 *
	 * @dataProvider answers
	 * @param int    $status   Status.
	 * @param string $field    Field.
	 * @param string $decision Decision.
	 */
	public function test_decide( int $status, string $field, string $decision ): void {
		$this->assertSame( $decision, Answer::decide( $status, $field ) );
	}

	/**
	 * Delays double up to an hour and stay there; chance adds up to a fifth.
	 */
	public function test_delays(): void {
		$delays = array();
		foreach ( range( 1, 12 ) as $attempt ) {
			$delays[] = Delay::after( $attempt, 0 );
		}
		$this->assertSame( array( 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600 ), $delays );
		$this->assertSame( 3600, Delay::after( 1000000, 0 ) );
		$this->assertSame( 5, Delay::after( 0, 0 ) );
		$this->assertSame( 3600 + 719, Delay::after( 50, 999 ) );
		foreach ( range( 0, 999, 37 ) as $chance ) {
			$this->assertGreaterThanOrEqual( 640, Delay::after( 8, $chance ) );
			$this->assertLessThanOrEqual( 768, Delay::after( 8, $chance ) );
		}
	}

	/**
	 * Two days of silence cost fewer than sixty attempts.
	 */
	public function test_two_days(): void {
		$at       = 0;
		$attempts = 0;
		while ( $at < 2 * 86400 ) {
			++$attempts;
			$at += Delay::after( $attempts, 0 );
		}
		$this->assertLessThan( 60, $attempts );
		$this->assertGreaterThan( 40, $attempts );
	}

	/**
	 * The server may ask for more time, up to an hour, never for less.
	 */
	public function test_retry_after(): void {
		$this->assertSame( 120, Delay::asked( '120', 5 ) );
		$this->assertSame( 40, Delay::asked( '1', 40 ) );
		$this->assertSame( 3600, Delay::asked( '86400', 5 ) );
		$this->assertSame( 5, Delay::asked( 'Wed, 21 Oct 2026 07:28:00 GMT', 5 ) );
		$this->assertSame( 5, Delay::asked( '', 5 ) );
	}

	/**
	 * Sentences fit their column and end between characters.
	 */
	public function test_sentence(): void {
		$this->assertSame( '422: SKU missing', Answer::sentence( 422, "SKU\n missing " ) );
		$this->assertSame( 'no answer: timed out', Answer::sentence( 0, 'timed out' ) );
		$this->assertSame( '503', Answer::sentence( 503, '' ) );
		foreach ( array( 'é', '漢', '😀', 'x' ) as $letter ) {
			$text = Answer::sentence( 500, str_repeat( $letter, 300 ) );
			$this->assertLessThanOrEqual( 240, strlen( $text ) );
			$this->assertGreaterThan( 230, strlen( $text ) );
			$this->assertSame( 1, preg_match( '//u', $text ), 'not cut within a character' );
		}
	}
}
