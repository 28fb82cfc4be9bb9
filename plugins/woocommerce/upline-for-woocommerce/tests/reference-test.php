<?php
/**
 * Tests of references and sites.
 *
 * @package Upline\WooCommerce
 */

use PHPUnit\Framework\TestCase;
use Upline\WooCommerce\Logic\Reference;
use Upline\WooCommerce\Logic\Site;

/**
 * Who brought the visitor, and whose site it is.
 */
final class Reference_Test extends TestCase {

	const NOW = 1767225600;
	const DAY = 86400;

	/**
	 * Only the shape of a code is stored.
	 */
	public function test_clean(): void {
		foreach ( array( 'ANNA10', 'anna.b', 'D-100', 'a_b~c+d', 'Müller', '张伟', str_repeat( 'a', 64 ) ) as $code ) {
			$this->assertSame( $code, Reference::clean( " $code " ) );
		}
		foreach ( array( '', '  ', 'a b', '<script>', '-x', "a\nb", '../x', 'a"b', str_repeat( 'a', 65 ), "\xff", null, 5, array( 'a' ) ) as $code ) {
			$this->assertSame( '', Reference::clean( $code ) );
		}
	}

	/**
	 * Where a code may stand in an address.
	 */
	public function test_in_url(): void {
		$this->assertSame( 'ANNA10', Reference::in_url( 'https://shop.example.com/tea/?utm_source=x&ref=ANNA10', 'ref' ) );
		$this->assertSame( 'ANNA10', Reference::in_url( '/r/ANNA10', 'ref' ) );
		$this->assertSame( 'ANNA10', Reference::in_url( '/shop/r/ANNA10/?x=1', 'ref' ) );
		$this->assertSame( 'Müller', Reference::in_url( '/r/M%C3%BCller', 'ref' ) );
		$this->assertSame( 'B', Reference::in_url( '/r/A?ref=B', 'ref' ) );
		$this->assertSame( 'C', Reference::in_url( '/?partner=C&ref=D', 'partner' ) );
		foreach ( array( '/', '/r/', '/r/a/b', '/?ref[]=x', '/?ref=a%20b', '/?REF=x', '', '//', '/r/%3Cb%3E' ) as $url ) {
			$this->assertSame( '', Reference::in_url( $url, 'ref' ), $url );
		}
	}

	/**
	 * The first touch stays, the last is replaced, and both end with the window.
	 */
	public function test_touches(): void {
		$touches = Reference::touch( array(), 'ANNA', 'https://x.example/tea/?ref=ANNA&email=a@b', self::NOW, 30 * self::DAY );
		$touches = Reference::touch( $touches, 'BERT', '/serum/', self::NOW + self::DAY, 30 * self::DAY );
		$this->assertSame( array( 'ANNA', 'BERT' ), array( $touches['first']['ref'], $touches['last']['ref'] ) );
		$this->assertSame( '/tea/', $touches['first']['url'], 'the query may hold anything, so it is dropped' );

		$later = Reference::touch( $touches, 'CLEO', '/', self::NOW + 30 * self::DAY + 1, 30 * self::DAY );
		$this->assertSame( array( 'BERT', 'CLEO' ), array( $later['first']['ref'], $later['last']['ref'] ), 'the first is too old, the next one takes its place' );

		$this->assertSame( array(), Reference::fresh( $touches, self::NOW + 99 * self::DAY, 30 * self::DAY ) );
		$this->assertSame( array(), Reference::fresh( array( 'last' => array( 'ref' => 'X', 'at' => self::NOW + 9999, 'url' => '' ) ), self::NOW, self::DAY ), 'from the future' );
		$this->assertSame( array(), Reference::fresh( array( 'last' => 'x', 'first' => array( 'ref' => '<b>', 'at' => self::NOW, 'url' => '' ) ), self::NOW, self::DAY ) );
	}

	/**
	 * Only what this site sealed is opened.
	 */
	public function test_cookie(): void {
		$touches = Reference::touch( array(), 'Müller', '/', self::NOW, self::DAY );
		$cookie  = Reference::seal( $touches, 'key' );
		$this->assertSame( $touches, Reference::open( $cookie, 'key' ) );
		$this->assertSame( 1, preg_match( '/^[A-Za-z0-9_.-]+$/', $cookie ), 'needs no encoding in a header' );
		$this->assertSame( array(), Reference::open( $cookie, 'other' ) );
		for ( $i = 0; $i < strlen( $cookie ); $i++ ) {
			$broken       = $cookie;
			$broken[ $i ] = 'a' === $broken[ $i ] ? 'b' : 'a';
			$this->assertSame( array(), Reference::open( $broken, 'key' ) );
		}
		foreach ( array( '', '.', 'x.y', null, array(), str_repeat( 'a', 5000 ) ) as $cookie ) {
			$this->assertSame( array(), Reference::open( $cookie, 'key' ) );
		}
	}

	/**
	 * Of a person who is erased only by whose links he came is left, and it is told as before.
	 */
	public function test_anonymous(): void {
		$touches = Reference::touch( array(), 'ANNA', '/diet-for-diabetics/?ref=ANNA', self::NOW - 500, self::DAY );
		$touches = Reference::touch( $touches, 'BEN', '/r/BEN', self::NOW, self::DAY );
		$kept    = Reference::anonymous( $touches, 1000 );
		$this->assertSame( array( 'ref' => 'ANNA', 'at' => 1000, 'url' => '/' ), $kept['first'] );
		$this->assertSame( array( 'ref' => 'BEN', 'at' => 1000, 'url' => '/' ), $kept['last'] );
		$this->assertSame( '/?ref=BEN', Reference::told( $kept['last'], 'ref' )['path'] );
		$this->assertSame( array(), Reference::anonymous( array( 'first' => 'x' ), 1000 ) );
	}

	/**
	 * A touch as it is told.
	 */
	public function test_told(): void {
		$touch = array(
			'ref' => 'ANNA 1',
			'at'  => self::NOW,
			'url' => '/tea/',
		);
		$this->assertSame( array( 'ref' => 'ANNA 1', 'at' => '2026-01-01T00:00:00Z', 'path' => '/tea/?ref=ANNA%201' ), Reference::told( $touch, 'ref' ) );
		$touch['url'] = '/r/ANNA';
		$this->assertSame( '/r/ANNA', Reference::told( $touch, 'ref' )['path'] );
	}

	/**
	 * Which addresses are the same site.
	 */
	public function test_site(): void {
		$same = array( 'https://shop.example.com', 'http://shop.example.com/', 'https://SHOP.example.com:443' );
		foreach ( $same as $url ) {
			$this->assertTrue( Site::same( 'https://shop.example.com', $url ), $url );
		}
		$other = array( 'https://staging.shop.example.com', 'https://shop.example.com/staging', 'https://shop.example.com:8443', 'https://shop.example.org', '', 'shop.example.com', '//' );
		foreach ( $other as $url ) {
			$this->assertFalse( Site::same( 'https://shop.example.com', $url ), $url );
		}
		$this->assertFalse( Site::same( '', '' ), 'an address that cannot be read is no site' );
		$this->assertFalse( Site::same( 'https://shop.example.com', 'https://www.shop.example.com' ), 'the server tells these two apart' );
	}
}
