<?php

declare(strict_types=1);

namespace Upline\Commission\ViewModel;

use Magento\Customer\Model\Session;
use Magento\Framework\Locale\ResolverInterface;
use Magento\Framework\Stdlib\DateTime\TimezoneInterface;
use Magento\Framework\View\Element\Block\ArgumentInterface;
use Upline\Commission\Model\Earnings;

/**
 * What the page of earnings shows.
 */
class Account implements ArgumentInterface
{
    /**
     * @param Earnings $earnings
     * @param Session $session
     * @param ResolverInterface $locale
     * @param TimezoneInterface $zone
     */
    public function __construct(
        private readonly Earnings $earnings,
        private readonly Session $session,
        private readonly ResolverInterface $locale,
        private readonly TimezoneInterface $zone
    ) {
    }

    /**
     * Earnings of whoever is signed in; null where the server cannot be asked.
     *
     * @return array<string, mixed>|null
     */
    public function earnings(): ?array
    {
        return $this->earnings->of((int) $this->session->getCustomerId());
    }

    /**
     * An amount as the shop writes it, with the decimals that it came with; text that is no amount as it stands.
     *
     * @param mixed $amount decimal text
     * @param mixed $currency
     * @return string
     */
    public function amount(mixed $amount, mixed $currency): string
    {
        $amount = (string) $amount;
        if (preg_match('/^-?\d+(\.(\d+))?$/D', $amount, $part) !== 1) {
            return $amount;
        }
        $format = new \NumberFormatter($this->locale->getLocale(), \NumberFormatter::CURRENCY);
        $format->setTextAttribute(\NumberFormatter::CURRENCY_CODE, (string) $currency);
        $format->setAttribute(\NumberFormatter::FRACTION_DIGITS, strlen($part[2] ?? ''));
        $text = strlen($amount) < 15 ? $format->formatCurrency((float) $amount, (string) $currency) : false;
        return $text === false ? $amount . ' ' . (string) $currency : $text;
    }

    /**
     * A day as the shop writes it.
     *
     * @param mixed $at RFC 3339
     * @return string
     */
    public function day(mixed $at): string
    {
        $seconds = strtotime((string) $at);
        return $seconds === false ? '' : $this->zone->formatDateTime(
            new \DateTime('@' . $seconds),
            \IntlDateFormatter::MEDIUM,
            \IntlDateFormatter::NONE
        );
    }

    /**
     * A status in a word.
     *
     * @param mixed $status
     * @return string
     */
    public function status(mixed $status): string
    {
        return (string) match ((string) $status) {
            'PENDING' => __('Pending'),
            'AVAILABLE' => __('Available'),
            'PAID' => __('Paid'),
            'REVERSED' => __('Reversed'),
            default => (string) $status,
        };
    }
}
