/* phpcs:disable Squiz.Functions.MultiLineFunctionDeclaration -- Magento's JavaScript wants the brace on the line. */
/* Upline: keeps by whose link a visitor came, on pages that come from a cache too. */
(function (script) {
    'use strict';
    var settings = script && script.dataset;
    if (!settings || !settings.words) {
        return;
    }
    var name = 'upline_ref', words = settings.words.split(' '), days = +settings.days || 30;

    function cookie(key) {
        var found = ('; ' + document.cookie).split('; ' + key + '=');
        return found.length > 1 ? decodeURIComponent(found[1].split(';')[0]) : '';
    }

    /* The code in the query or behind the "#". */
    function code() {
        var parts = [location.search.slice(1), location.hash.slice(1)], i, j, value;
        for (i = 0; i < parts.length; i++) {
            for (j = 0; j < words.length; j++) {
                value = new URLSearchParams(parts[i]).get(words[j]);
                if (value && value.length <= 64) {
                    return value.trim();
                }
            }
        }
        return '';
    }

    /* Cookie Restriction Mode: nothing is kept before the visitor agrees. */
    function allowed() {
        if (!settings.consent) {
            return true;
        }
        try {
            return JSON.parse(cookie('user_allowed_save_cookie') || '{}')[settings.website] === 1;
        } catch (e) {
            return false;
        }
    }

    function keep(ref) {
        var now = Math.floor(Date.now() / 1000), kept = {}, touch = [ref, now, location.pathname.slice(0, 200)];
        try {
            kept = JSON.parse(cookie(name) || '{}') || {};
        } catch (e) {
            kept = {};
        }
        if (!Array.isArray(kept.f) || !(kept.f[1] + days * 86400 > now)) {
            kept.f = touch;
        }
        kept.l = touch;
        document.cookie = name + '=' + encodeURIComponent(JSON.stringify({f: kept.f, l: kept.l})) + '; path=/; max-age=' +
            days * 86400 + '; samesite=lax' + (location.protocol === 'https:' ? '; secure' : '');
    }

    /* Takes the code out of the address, so that nobody copies it by chance. */
    function tidy() {
        var query = new URLSearchParams(location.search), hash = new URLSearchParams(location.hash.slice(1)), changed;
        words.forEach(function (word) {
            changed = changed || query.has(word) || hash.has(word);
            query.delete(word);
            if (hash.has(word)) {
                hash.delete(word);
            }
        });
        if (changed && history.replaceState) {
            var search = query.toString(), rest = location.hash.indexOf('=') < 0 ? location.hash : '#' + hash.toString();
            history.replaceState(history.state, '', location.pathname + (search && '?' + search) + (rest === '#' ? '' : rest));
        }
    }

    var ref = code();
    if (!ref) {
        return;
    }
    if (allowed()) {
        keep(ref);
        tidy();
        return;
    }
    /* Consent may come on this page; the code stays in the address until then. */
    var asked = setInterval(function () {
        if (allowed()) {
            clearInterval(asked);
            keep(ref);
            tidy();
        }
    }, 1000);
}(document.currentScript));
