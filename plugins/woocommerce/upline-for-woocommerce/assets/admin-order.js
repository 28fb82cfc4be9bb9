/* Upline for WooCommerce: fills the box of the order screen, and suggests distributors while one is typed. */
( function () {
	'use strict';
	var box = document.getElementById( 'upline-explanation' );
	var input = document.getElementById( 'upline_manual' );
	var list = document.getElementById( 'upline-distributors' );
	if ( ! box ) {
		return;
	}
	var ask = function ( action, more, then ) {
		var body = new URLSearchParams( more );
		body.set( 'action', action );
		body.set( 'nonce', box.dataset.nonce );
		fetch( box.dataset.url, { method: 'POST', credentials: 'same-origin', body: body } )
			.then( function ( answer ) {
				return answer.json();
			} )
			.then( function ( answer ) {
				if ( answer.success ) {
					then( answer.data );
				}
			} )
			.catch( function () {} );
	};
	ask( 'upline_explanation', { order: box.dataset.order }, function ( html ) {
		// Escaped by the server, piece by piece.
		box.innerHTML = html;
	} );
	var timer;
	input.addEventListener( 'input', function () {
		clearTimeout( timer );
		timer = setTimeout( function () {
			ask( 'upline_distributors', { search: input.value }, function ( found ) {
				list.replaceChildren();
				found.forEach( function ( one ) {
					var option = document.createElement( 'option' );
					option.value = one.value;
					option.label = one.label;
					list.appendChild( option );
				} );
			} );
		}, 250 );
	} );
} )();
