<?php

declare(strict_types=1);

namespace Upline\Commission\ViewModel;

use Magento\Framework\View\Element\Block\ArgumentInterface;
use Magento\Store\Model\StoreManagerInterface;
use Upline\Commission\Model\Config;

/**
 * What the script of the storefront has to know. It is the same for every visitor, so that pages can be cached, and
 * none of it costs a query.
 */
class Referral implements ArgumentInterface
{
    /**
     * Parameters of our share links that are always understood.
     */
    private const WORDS = ['upl', 'ref'];

    /**
     * @param Config $config
     * @param StoreManagerInterface $stores
     */
    public function __construct(private readonly Config $config, private readonly StoreManagerInterface $stores)
    {
    }

    /**
     * Whether visits are remembered here.
     *
     * @return bool
     */
    public function isEnabled(): bool
    {
        return $this->config->isAttributionEnabled($this->websiteId());
    }

    /**
     * Query parameters that hold a code, parted by blanks.
     *
     * @return string
     */
    public function words(): string
    {
        return implode(' ', array_unique(array_merge([$this->config->parameter()], self::WORDS)));
    }

    /**
     * How long a visit counts, in days.
     *
     * @return int
     */
    public function days(): int
    {
        return $this->config->cookieDays($this->websiteId());
    }

    /**
     * Whether the visitor is asked first.
     *
     * @return bool
     */
    public function isConsentNeeded(): bool
    {
        return $this->config->isConsentNeeded($this->websiteId());
    }

    /**
     * The website, under whose id Magento keeps consent.
     *
     * @return int
     */
    public function websiteId(): int
    {
        return (int) $this->stores->getStore()->getWebsiteId();
    }
}
