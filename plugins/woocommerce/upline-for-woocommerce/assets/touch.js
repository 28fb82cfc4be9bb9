/* Upline for WooCommerce: tells the shop by whose link a visitor came, on pages that come from a cache too. */
( function ( settings ) {
	'use strict';
	if ( ! settings ) {
		return;
	}
	var found = new URLSearchParams( location.search ).get( settings.word );
	var path = /\/r\/([^/]+)\/?$/.exec( location.pathname );
	var ref = found || ( path && decodeURIComponent( path[ 1 ] ) );
	var key = 'upline_touch';
	if ( ! ref || ref.length > 64 ) {
		return;
	}
	var allowed = function () {
		return typeof window.wp_has_consent === 'function' ? window.wp_has_consent( 'marketing' ) : settings.implied;
	};
	var send = function ( again ) {
		if ( ! allowed() || sessionStorage.getItem( key ) === ref ) {
			return;
		}
		fetch( settings.url, {
			method: 'POST',
			credentials: 'same-origin',
			keepalive: true,
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify( { ref: ref, url: location.pathname } ),
		} ).then( function ( answer ) {
			if ( answer.ok ) {
				sessionStorage.setItem( key, ref );
			} else if ( answer.status === 429 && again ) {
				setTimeout( send, 2000 );
			}
		}, function () {} );
	};
	document.addEventListener( 'wp_listen_for_consent_change', function () {
		// The consent plugin writes its cookie in the same event.
		setTimeout( function () {
			send( true );
		}, 0 );
	} );
	try {
		send( true );
	} catch ( e ) {
		// A visitor whose browser keeps nothing is no reason for an error.
	}
} )( window.uplineTouch );
