<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\Area;
use Magento\Framework\App\State as AppState;
use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Stdlib\CookieManagerInterface;
use Magento\Quote\Api\Data\CartInterface;
use Upline\Commission\Domain\Reference;

/**
 * Takes the visits of the browser at hand into its cart. It is done early: redirect payments and callbacks of payment
 * providers place orders without the browser.
 */
class Visit
{
    /**
     * Areas in which the browser at hand is the buyer's.
     */
    private const BUYERS = [Area::AREA_FRONTEND, Area::AREA_WEBAPI_REST, Area::AREA_GRAPHQL];

    /**
     * What was written in this request, by cart: quotes are saved many times.
     *
     * @var array<int, string>
     */
    private array $kept = [];

    /**
     * @param CookieManagerInterface $cookies
     * @param References $references
     * @param Config $config
     * @param Websites $websites
     * @param AppState $app
     * @param Clock $clock
     */
    public function __construct(
        private readonly CookieManagerInterface $cookies,
        private readonly References $references,
        private readonly Config $config,
        private readonly Websites $websites,
        private readonly AppState $app,
        private readonly Clock $clock
    ) {
    }

    /**
     * Keeps the visits behind a cart that was saved.
     *
     * @param CartInterface $quote
     * @return void
     */
    public function keep(CartInterface $quote): void
    {
        $quoteId = (int) $quote->getId();
        $cookie = $this->cookies->getCookie(Reference::COOKIE);
        if ($quoteId === 0 || $cookie === null || ($this->kept[$quoteId] ?? '') === $cookie || !$this->isBuyers()) {
            return;
        }
        $this->kept[$quoteId] = $cookie;
        $websiteId = $this->websites->ofStore((int) $quote->getStoreId());
        if (!$this->config->isAttributionEnabled($websiteId)) {
            return;
        }
        $window = $this->config->cookieDays($websiteId) * 86400;
        $touches = Reference::open($cookie, $this->clock->now(), $window);
        if ($touches) {
            $this->references->visited($quoteId, $touches);
        }
    }

    /**
     * Whether the browser at hand is the buyer's, and not an admin's.
     *
     * @return bool
     */
    private function isBuyers(): bool
    {
        try {
            return in_array($this->app->getAreaCode(), self::BUYERS, true);
        } catch (LocalizedException) {
            return false; // No area is set: a command.
        }
    }
}
