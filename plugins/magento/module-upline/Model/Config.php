<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\Config\ScopeConfigInterface;
use Magento\Store\Model\ScopeInterface;

/**
 * The settings of Stores > Configuration > Sales > Upline. What the server itself told is in Connection.
 */
class Config
{
    public const SECTION = 'upline_commission';
    public const ENABLED = 'upline_commission/general/enabled';
    public const AFTER_RESPONSE = 'upline_commission/general/after_response';
    public const RETENTION_DAYS = 'upline_commission/general/retention_days';
    public const ATTRIBUTION = 'upline_commission/attribution/enabled';
    public const PARAMETER = 'upline_commission/attribution/parameter';
    public const COOKIE_DAYS = 'upline_commission/attribution/cookie_days';
    public const TOUCH = 'upline_commission/attribution/touch';
    public const ACCOUNT = 'upline_commission/attribution/account';
    public const COUPONS = 'upline_commission/coupons/enabled';
    public const COUPON_PERCENT = 'upline_commission/coupons/percent';

    private const COOKIE_RESTRICTION = 'web/cookie/cookie_restriction';

    /**
     * @param ScopeConfigInterface $config
     */
    public function __construct(private readonly ScopeConfigInterface $config)
    {
    }

    /**
     * The switch: whether orders of a website are noted and told. Off loses nothing.
     *
     * @param int|null $websiteId null for the default
     * @return bool
     */
    public function isEnabled(?int $websiteId = null): bool
    {
        return $this->flag(self::ENABLED, $websiteId);
    }

    /**
     * Whether orders are sent right after the response, where the web server can.
     *
     * @return bool
     */
    public function isSentAfterResponse(): bool
    {
        return $this->flag(self::AFTER_RESPONSE, null);
    }

    /**
     * How long delivered rows of the outbox are kept, in days: 1 to 365.
     *
     * @return int
     */
    public function retentionDays(): int
    {
        return $this->within(self::RETENTION_DAYS, null, 1, 365);
    }

    /**
     * Whether visits by share links are remembered.
     *
     * @param int|null $websiteId null for the default
     * @return bool
     */
    public function isAttributionEnabled(?int $websiteId = null): bool
    {
        return $this->isEnabled($websiteId) && $this->flag(self::ATTRIBUTION, $websiteId);
    }

    /**
     * The query parameter of share links: letters, digits, "_" and "-".
     *
     * @return string
     */
    public function parameter(): string
    {
        $word = (string) $this->config->getValue(self::PARAMETER);
        return preg_match('/^[A-Za-z0-9_-]{1,32}$/D', $word) === 1 ? $word : 'upl';
    }

    /**
     * How long a visit counts, in days: 1 to 365.
     *
     * @param int|null $websiteId null for the default
     * @return int
     */
    public function cookieDays(?int $websiteId = null): int
    {
        return $this->within(self::COOKIE_DAYS, $websiteId, 1, 365);
    }

    /**
     * Which visit is told as the one that counts: "first" or "last".
     *
     * @param int|null $websiteId null for the default
     * @return string
     */
    public function touch(?int $websiteId = null): string
    {
        return $this->value(self::TOUCH, $websiteId) === 'first' ? 'first' : 'last';
    }

    /**
     * Whether the shop asks visitors before it keeps cookies (Stores > Configuration > Web > Cookie Restriction Mode).
     *
     * @param int|null $websiteId null for the default
     * @return bool
     */
    public function isConsentNeeded(?int $websiteId = null): bool
    {
        return $this->flag(self::COOKIE_RESTRICTION, $websiteId);
    }

    /**
     * Whether distributors see their earnings in the customer account.
     *
     * @param int|null $websiteId null for the default
     * @return bool
     */
    public function isAccountPageEnabled(?int $websiteId = null): bool
    {
        return $this->isEnabled($websiteId) && $this->flag(self::ACCOUNT, $websiteId);
    }

    /**
     * Whether each code of a distributor becomes a coupon.
     *
     * @return bool
     */
    public function areCouponsEnabled(): bool
    {
        return $this->isEnabled() && $this->flag(self::COUPONS, null);
    }

    /**
     * The discount of a distributor's coupon, in whole percent: 0 to 100.
     *
     * @return int
     */
    public function couponPercent(): int
    {
        return $this->within(self::COUPON_PERCENT, null, 0, 100);
    }

    /**
     * A switch.
     *
     * @param string $path
     * @param int|null $websiteId
     * @return bool
     */
    private function flag(string $path, ?int $websiteId): bool
    {
        return (bool) (int) $this->value($path, $websiteId);
    }

    /**
     * A number, brought into its bounds.
     *
     * @param string $path
     * @param int|null $websiteId
     * @param int $least
     * @param int $most
     * @return int
     */
    private function within(string $path, ?int $websiteId, int $least, int $most): int
    {
        return max($least, min($most, (int) $this->value($path, $websiteId)));
    }

    /**
     * A value as it stands.
     *
     * @param string $path
     * @param int|null $websiteId null or 0 for the default
     * @return string
     */
    private function value(string $path, ?int $websiteId): string
    {
        return $websiteId === null || $websiteId === 0
            ? (string) $this->config->getValue($path)
            : (string) $this->config->getValue($path, ScopeInterface::SCOPE_WEBSITE, $websiteId);
    }
}
