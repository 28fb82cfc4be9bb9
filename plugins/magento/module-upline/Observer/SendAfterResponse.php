<?php

declare(strict_types=1);

namespace Upline\Commission\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Upline\Commission\Model\AfterResponse;
use Upline\Commission\Model\Watch;
use Upline\Commission\Model\Websites;

/**
 * Sends an order once its transaction is through and the shopper has the answer.
 */
class SendAfterResponse implements ObserverInterface
{
    /**
     * @param Watch $watch
     * @param Websites $websites
     * @param AfterResponse $afterResponse
     */
    public function __construct(
        private readonly Watch $watch,
        private readonly Websites $websites,
        private readonly AfterResponse $afterResponse
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(Observer $observer): void
    {
        $this->watch->quietly(function () use ($observer): void {
            $order = $observer->getData('order');
            if ($this->watch->isTold($this->websites->ofStore((int) $order->getStoreId()))) {
                $this->afterResponse->send((int) $order->getId());
            }
        });
    }
}
