/* Upline for WooCommerce: fills the box of the order screen, and suggests distributors while one is typed. */
( function () {
	'use strict';
	var box = document.getElementById( 'upline-explanation' );
	var input = document.getElementById( 'upline_manual' );
	var list = document.getElementById( 'upline-distributors' );
	if ( ! box ) {
		return;
	}
	var ask = function ( action, more, then, failed ) {
		var body = new URLSearchParams( more );
		body.set( 'action', action );
		body.set( 'nonce', box.dataset.nonce );
		fetch( box.dataset.url, { method: 'POST', credentials: 'same-origin', body: body } )
			.then( function ( answer ) {
				return answer.json();
			} )
			.then( function ( answer ) {
				if ( ! answer.success ) {
					throw new Error( action );
				}
				then( answer.data );
			} )
			.catch( failed );
	};
	ask( 'upline_explanation', { order: box.dataset.order }, function ( html ) {
		// Escaped by the server, piece by piece.
		box.innerHTML = html;
	}, function () {
		box.firstElementChild.textContent = box.dataset.failed;
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
			}, function () {
				// What is typed counts without suggestions too.
				list.replaceChildren();
			} );
		}, 250 );
	} );
} )();
