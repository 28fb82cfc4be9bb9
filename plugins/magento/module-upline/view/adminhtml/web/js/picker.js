/**
 * The distributor picker: what is typed is looked up at Upline, and offered.
 */
define(['jquery'], function ($) {
    'use strict';

    return function (config, element) {
        const input = element.querySelector('input[list]');
        const list = element.querySelector('datalist');
        let waiting;

        input.addEventListener('input', () => {
            clearTimeout(waiting);
            waiting = setTimeout(() => {
                // Magento's admin would post it otherwise, which the route does not take.
                $.ajax({
                    url: config.search, method: 'GET', data: {search: input.value}, dataType: 'json', showLoader: false
                }).done((answer) => {
                    list.replaceChildren(...answer.data.map((one) => {
                        const option = document.createElement('option');
                        option.value = one.code || one.distributor_id;
                        option.label = one.distributor_id + ' ' + one.rank;
                        return option;
                    }));
                });
            }, 250);
        });
    };
});
