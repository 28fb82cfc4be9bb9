/* phpcs:disable Squiz.Functions.MultiLineFunctionDeclaration -- Magento's JavaScript wants the brace on the line. */
/**
 * The Connect button: posts what was pasted, then follows how far the server is.
 */
define(['jquery'], function ($) {
    'use strict';

    return function (config, element) {
        const find = (role) => element.querySelector('[data-role="' + role + '"]');
        const state = find('state');
        const buttons = ['begin', 'disconnect'].map(find).filter(Boolean);

        function say(text) {
            state.textContent = text;
        }

        function busy(on) {
            buttons.forEach((button) => { button.disabled = on; });
        }

        function ask(url, data, method) {
            return $.ajax({
                url: url, method: method, dataType: 'json', showLoader: false,
                data: Object.assign({'form_key': window.FORM_KEY, website: config.website}, data)
            });
        }

        function lost() {
            busy(false);
            say(config.lost);
        }

        function follow() {
            ask(config.progress, {}, 'GET').done((answer) => {
                say(answer.message);
                if (answer.state === 'waiting') {
                    setTimeout(follow, 1500);
                    return;
                }
                busy(false);
                if (answer.state === 'connected') {
                    location.reload();
                }
            }).fail(lost);
        }

        function post(url, data, then) {
            busy(true);
            ask(url, data, 'POST').done((answer) => {
                say(answer.message);
                if (answer.ok) {
                    then();
                } else {
                    busy(false);
                }
            }).fail(lost);
        }

        find('begin').addEventListener('click', () => {
            post(config.begin, {server: find('server').value, code: find('code').value}, () => {
                find('code').value = '';
                follow();
            });
        });
        find('disconnect')?.addEventListener('click', () => {
            if (window.confirm(config.sure)) {
                post(config.disconnect, {}, () => setTimeout(() => location.reload(), 1500));
            }
        });
    };
});
