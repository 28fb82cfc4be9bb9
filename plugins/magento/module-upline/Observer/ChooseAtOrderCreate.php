<?php

declare(strict_types=1);

namespace Upline\Commission\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Upline\Commission\Model\Choice;
use Upline\Commission\Model\Watch;

/**
 * Takes the distributor that an admin chose at order create into the cart: upline[distributor] and upline[reason].
 */
class ChooseAtOrderCreate implements ObserverInterface
{
    /**
     * @param Watch $watch
     * @param Choice $choice
     */
    public function __construct(
        private readonly Watch $watch,
        private readonly Choice $choice
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(Observer $observer): void
    {
        $this->watch->quietly(function () use ($observer): void {
            $posted = $observer->getData('request');
            $posted = is_array($posted) ? $posted['upline'] ?? null : null;
            if (is_array($posted) && isset($posted['distributor'])) {
                $quote = $observer->getData('order_create_model')->getQuote();
                $this->choice->forCart(
                    (int) $quote->getId(),
                    (string) $posted['distributor'],
                    (string) ($posted['reason'] ?? '')
                );
            }
        });
    }
}
